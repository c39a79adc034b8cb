// What is signed off the chain (EIP-712): a customer's vouchers, a contributor's claim order.
import { addresses } from '@openledger/precompiles'
import type { Address, Hex } from 'viem'

export type Voucher = { channelId: Hex; receiptCount: bigint; cumulativeFee: bigint; receiptsRoot: Hex }

export type RetrievalShare = { datanetId: bigint; version: bigint; contributors: bigint; root: Hex; amount: bigint }

export type RetrievalVoucher = {
  channelId: Hex
  firstReceipt: bigint
  receiptCount: bigint
  receiptsRoot: Hex
  shares: readonly RetrievalShare[]
}

export type ClaimOrder = {
  postId: bigint
  contributorIndex: bigint
  contributor: Address
  recipient: Address
  deadline: bigint
}

/** For `client.signTypedData`: up to `cumulativeFee` for the receipts under `receiptsRoot`. */
export const voucherTypedData = (chainId: number, message: Voucher) =>
  ({
    domain: { name: 'OpenLedger Inference Metering', version: '1', chainId, verifyingContract: addresses.metering },
    types: {
      Voucher: [
        { name: 'channelId', type: 'bytes32' },
        { name: 'receiptCount', type: 'uint256' },
        { name: 'cumulativeFee', type: 'uint256' },
        { name: 'receiptsRoot', type: 'bytes32' },
      ],
    },
    primaryType: 'Voucher',
    message,
  }) as const

/** For `client.signTypedData`: what a settlement pays the records that were looked up for its answers. */
export const retrievalVoucherTypedData = (chainId: number, message: RetrievalVoucher) =>
  ({
    domain: { name: 'OpenLedger Inference Metering', version: '1', chainId, verifyingContract: addresses.metering },
    types: {
      RetrievalVoucher: [
        { name: 'channelId', type: 'bytes32' },
        { name: 'firstReceipt', type: 'uint256' },
        { name: 'receiptCount', type: 'uint256' },
        { name: 'receiptsRoot', type: 'bytes32' },
        { name: 'shares', type: 'RetrievalShare[]' },
      ],
      RetrievalShare: [
        { name: 'datanetId', type: 'uint256' },
        { name: 'version', type: 'uint256' },
        { name: 'contributors', type: 'uint256' },
        { name: 'root', type: 'bytes32' },
        { name: 'amount', type: 'uint256' },
      ],
    },
    primaryType: 'RetrievalVoucher',
    message,
  }) as const

/** For `client.signTypedData`: a contributor's amount of one post, paid to somebody else. */
export const claimTypedData = (chainId: number, message: ClaimOrder) =>
  ({
    domain: { name: 'OpenLedger Attribution', version: '1', chainId, verifyingContract: addresses.attribution },
    types: {
      Claim: [
        { name: 'postId', type: 'uint256' },
        { name: 'contributorIndex', type: 'uint256' },
        { name: 'contributor', type: 'address' },
        { name: 'recipient', type: 'address' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    primaryType: 'Claim',
    message,
  }) as const
