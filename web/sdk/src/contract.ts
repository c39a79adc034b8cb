// One contract as actions: viem's own, typed by the ABI, and `sync`, which waits and says what the events say.
import type {
  Abi,
  Account,
  Address,
  Chain,
  Client,
  ContractFunctionArgs,
  ContractFunctionName,
  GetContractReturnType,
  Hash,
  ParseEventLogsReturnType,
  TransactionReceipt,
  Transport,
  WriteContractParameters,
} from 'viem'
import { getContract, parseEventLogs } from 'viem'
import { waitForTransactionReceipt, writeContract } from 'viem/actions'

/** A client that signs. */
export type Signer = Client<Transport, Chain, Account>

type Writing = 'nonpayable' | 'payable'

/** A transaction in a block, with the contract's events decoded. */
export type Sent<abi extends Abi> = {
  hash: Hash
  receipt: TransactionReceipt
  events: ParseEventLogsReturnType<abi>
}

/** Every method that changes something: sends, waits, decodes. Rejects when the transaction failed. */
export type Sync<abi extends Abi> = {
  [name in ContractFunctionName<abi, Writing>]: (
    args: ContractFunctionArgs<abi, Writing, name>,
    options?: { value?: bigint },
  ) => Promise<Sent<abi>>
}

export type ContractActions<abi extends Abi> = GetContractReturnType<abi, Signer, Address> & { sync: Sync<abi> }

export class TransactionFailedError extends Error {
  readonly receipt: TransactionReceipt

  constructor(functionName: string, receipt: TransactionReceipt) {
    super(`${functionName} failed in transaction ${receipt.transactionHash}`)
    this.name = 'TransactionFailedError'
    this.receipt = receipt
  }
}

export function contractActions<const abi extends Abi>(client: Signer, address: Address, abi: abi): ContractActions<abi> {
  const send = (functionName: string) => async (args: readonly unknown[], options: { value?: bigint } = {}) => {
    const call = { address, abi, functionName, args, ...options }
    const hash = await writeContract(client, call as unknown as WriteContractParameters)
    const receipt = await waitForTransactionReceipt(client, { hash })
    if (receipt.status !== 'success') throw new TransactionFailedError(functionName, receipt)
    const logs = receipt.logs.filter((log) => log.address.toLowerCase() === address.toLowerCase())
    return { hash, receipt, events: parseEventLogs({ abi, logs }) }
  }
  const sync = new Proxy({}, { get: (_, name) => send(String(name)) }) as Sync<abi>
  return Object.assign(getContract({ address, abi, client }), { sync }) as unknown as ContractActions<abi>
}
