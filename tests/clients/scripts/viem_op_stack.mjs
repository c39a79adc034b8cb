// The OP Stack's extension of viem: deposits, calls by deposit, fees, and a withdrawal from its start to its payment.
import { encodeFunctionData, erc20Abi, parseAbi, parseEther } from 'viem'
import {
  getL2TransactionHashes, publicActionsL1, publicActionsL2, walletActionsL1, walletActionsL2,
} from 'viem/op-stack'
import {
  account, answer, l2, mined, minedOnL1, publicClient, publicL1 as plainL1, request, walletClient, walletL1 as plainWalletL1,
} from './network.mjs'

const publicL1 = plainL1.extend(publicActionsL1())
const publicL2 = publicClient.extend(publicActionsL2())
const walletL1 = plainWalletL1.extend(walletActionsL1())
const walletL2 = walletClient.extend(walletActionsL2())
const { abi, bytecode } = request
const { portal, open_token: token } = request.contracts
const arrived = async (receipt) => {
  if (receipt.status !== 'success') throw new Error(`the deposit failed on L1: ${receipt.transactionHash}`)
  return mined(getL2TransactionHashes(receipt)[0])
}

// OPEN enters as the token it is on L1.
const portalAbi = parseAbi([
  'function depositERC20Transaction(address to, uint256 mint, uint256 value, uint64 gasLimit, bool isCreation, bytes data)',
])
const target = '0x3333333333333333333333333333333333333333'
const two = parseEther('2')
await minedOnL1(
  await walletL1.writeContract({ address: token, abi: erc20Abi, functionName: 'approve', args: [portal, two] }),
)
const before = await publicL2.getBalance({ address: target })
const depositedOnL1 = await minedOnL1(
  await walletL1.writeContract({
    address: portal, abi: portalAbi, functionName: 'depositERC20Transaction', args: [target, two, two, 100_000n, false, '0x'],
  }),
)
const deposited = await arrived(depositedOnL1)
const depositTransaction = await publicL2.getTransaction({ hash: deposited.transactionHash })

// A call by deposit: no OPEN, but the sender's own account on L2.
const notebook = (await mined(await walletL2.deployContract({ abi, bytecode, args: ['first'] }))).contractAddress
const data = encodeFunctionData({ abi, functionName: 'write', args: ['from L1'] })
const built = await publicL2.buildDepositTransaction({ account, to: notebook, data })
const forced = await walletL1.depositTransaction(built)
const refused = { account, targetChain: l2, request: { to: notebook, gas: 100_000n, data: '0xdeadbeef' } }
const forcedToo = await walletL1.depositTransaction(refused)
const called = await arrived(await minedOnL1(forced))
const failed = await arrived(await minedOnL1(forcedToo))

// What it costs: the estimate, against what is then charged.
const call = { account, to: notebook, data }
const estimate = { total: await publicL2.estimateTotalFee(call), l1: await publicL2.estimateL1Fee(call) }
const l1BaseFee = await publicL2.getL1BaseFee()
const paid = await mined(await walletL2.sendTransaction(call))

// Home again.
const one = parseEther('1')
// The gas is named: viem would estimate it as a call of the zero address, which owns nothing here.
const initiation = await publicL1.buildInitiateWithdrawal({ account, to: target, value: one, gas: 100_000n })
const initiated = await mined(await walletL2.initiateWithdrawal(initiation))
const status = () => publicL1.getWithdrawalStatus({ receipt: initiated, targetChain: l2 })
const statuses = [await status()]
const { output, withdrawal } = await publicL1.waitToProve({ receipt: initiated, targetChain: l2, pollingInterval: 500 })
statuses.push(await status())
const proving = await publicL2.buildProveWithdrawal({ account, output, withdrawal })
const proven = await minedOnL1(await walletL1.proveWithdrawal(proving))
await publicL1.waitToFinalize({ withdrawalHash: withdrawal.withdrawalHash, targetChain: l2 })
// The L1's clock moves with its blocks.
for (let tries = 0; (await status()) !== 'ready-to-finalize' && tries < 100; tries++)
  await new Promise((resolve) => setTimeout(resolve, 200))
statuses.push(await status())
const finalized = await minedOnL1(await walletL1.finalizeWithdrawal({ targetChain: l2, withdrawal }))
statuses.push(await status())

answer({
  deposit: {
    status: deposited.status,
    type: depositTransaction.type,
    mint: depositTransaction.mint,
    received: (await publicL2.getBalance({ address: target })) - before,
  },
  called: { status: called.status, from: called.from, logs: called.logs.length },
  failed: failed.status,
  author: account.address,
  fees: {
    estimate,
    paid: { l1: paid.l1Fee, l2: paid.gasUsed * paid.effectiveGasPrice },
    l1BaseFee,
    l1GasPrice: paid.l1GasPrice,
  },
  output: { covers: output.l2BlockNumber >= initiated.blockNumber },
  proven: proven.status,
  finalized: finalized.status,
  statuses,
  received: await publicL1.readContract({ address: token, abi: erc20Abi, functionName: 'balanceOf', args: [target] }),
})
