// Fees and transactions with viem: estimates, every transaction type, and how refusals are classed.
import { BaseError, InsufficientFundsError, IntrinsicGasTooLowError, NonceTooLowError, parseGwei } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { account, answer, mined, publicClient, request, walletClient } from './network.mjs'

const to = '0x2222222222222222222222222222222222222222'
const fees = await publicClient.estimateFeesPerGas()
const block = await publicClient.getBlock()
const history = await publicClient.getFeeHistory({ blockCount: 3, rewardPercentiles: [10, 90] })

async function sent(parameters) {
  const receipt = await mined(await walletClient.sendTransaction({ to, value: 1n, ...parameters }))
  const { type, typeHex } = await publicClient.getTransaction({ hash: receipt.transactionHash })
  return { status: receipt.status, receiptType: receipt.type, type, typeHex }
}
const slot = '0x' + '00'.repeat(32)
const gasPrice = (await publicClient.getGasPrice()) * 2n
const types = {
  legacy: await sent({ type: 'legacy', gasPrice }),
  eip2930: await sent({ type: 'eip2930', gasPrice, accessList: [{ address: to, storageKeys: [slot] }] }),
  eip1559: await sent({}),
}

// EIP-7702: an account takes the code of a contract.
const { abi, bytecode } = request
const code = (await mined(await walletClient.deployContract({ abi, bytecode, args: ['code'] }))).contractAddress
const delegating = privateKeyToAccount(generatePrivateKey())
const authorization = await walletClient.signAuthorization({ account: delegating, contractAddress: code })
types.eip7702 = await sent({ to: delegating.address, authorizationList: [authorization], value: 5n })
const delegated = {
  code: await publicClient.getCode({ address: delegating.address }),
  expected: ('0xef0100' + code.slice(2)).toLowerCase(),
  limit: await publicClient.readContract({ address: delegating.address, abi, functionName: 'TEXT_LIMIT' }),
}

async function classed(parameters) {
  try {
    await walletClient.sendTransaction({ to, ...parameters })
  } catch (error) {
    const known = [InsufficientFundsError, IntrinsicGasTooLowError, NonceTooLowError]
    return known.find((kind) => error instanceof BaseError && error.walk((e) => e instanceof kind))?.name ?? String(error)
  }
  throw new Error('not refused')
}
const free = { maxFeePerGas: parseGwei('10'), maxPriorityFeePerGas: parseGwei('1') }
const refusals = {
  nonce: await classed({ nonce: 0, gas: 21_000n, ...free }),
  funds: await classed({ value: 10n ** 24n, gas: 21_000n, ...free }),
  fundsAtEstimate: await classed({ value: 10n ** 24n }),
  gas: await classed({ gas: 20_000n, ...free }),
}

// Replacing: behind a gap, so that the first offer still waits when the second comes.
const nonce = await publicClient.getTransactionCount({ address: account.address })
const offer = (tip) => ({ to, value: 2n, nonce: nonce + 1, gas: 21_000n, maxFeePerGas: parseGwei('20'), maxPriorityFeePerGas: tip })
const first = await walletClient.sendTransaction(offer(parseGwei('2')))
let replaced
const waiting = publicClient.waitForTransactionReceipt({ hash: first, onReplaced: (found) => (replaced = found), timeout: 30_000 })
await new Promise((resolve) => setTimeout(resolve, 500)) // viem looks at the first offer once
const second = await walletClient.sendTransaction({ ...offer(parseGwei('4')), maxFeePerGas: parseGwei('40') })
await sent({ nonce })
const outcome = await waiting

const accessList = await publicClient.createAccessList({ account, to: code, data: '0x06661abd' })
answer({
  fees,
  baseFee: block.baseFeePerGas,
  historyLengths: [history.baseFeePerGas.length, history.gasUsedRatio.length, history.reward.length],
  transferGas: await publicClient.estimateGas({ account, to, value: 1n }),
  types,
  delegated,
  refusals,
  replacement: { reason: replaced?.reason, second: outcome.transactionHash === second },
  accessList: accessList.accessList,
})
