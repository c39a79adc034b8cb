// What a viem user does against a running node: deploy, write, read logs, estimate, decode a revert, subscribe.
// Usage: node viem_smoke.mjs HTTP_URL WS_URL PRIVATE_KEY TOKEN_ARTEFACT
import { readFileSync } from 'node:fs'
import assert from 'node:assert/strict'
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createTestClient, createWalletClient,
  defineChain, http, parseEther, webSocket,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const [httpUrl, wsUrl, key, artefact] = process.argv.slice(2)
const { abi, bytecode } = JSON.parse(readFileSync(artefact, 'utf8'))
const account = privateKeyToAccount(key)
const probe = createPublicClient({ transport: http(httpUrl) })
const chain = defineChain({
  id: await probe.getChainId(), name: 'node', nativeCurrency: { name: 'N', symbol: 'N', decimals: 18 },
  rpcUrls: { default: { http: [httpUrl] } },
})
const options = { chain, transport: http(httpUrl), pollingInterval: 50 }
const reader = createPublicClient(options)
const wallet = createWalletClient({ ...options, account })
const miner = createTestClient({ ...options, mode: 'anvil' })

async function mined(hash) {
  await miner.mine({ blocks: 1 })
  const receipt = await reader.waitForTransactionReceipt({ hash, timeout: 10_000 })
  assert.equal(receipt.status, 'success')
  return receipt
}

const stranger = '0x00000000000000000000000000000000000000aa'
const paid = await mined(await wallet.sendTransaction({ to: stranger, value: parseEther('1') }))
assert.equal(paid.gasUsed, 21000n)
assert.equal(await reader.getBalance({ address: stranger }), parseEther('1'))

const { contractAddress: address } = await mined(
  await wallet.deployContract({ abi, bytecode, args: [account.address] }))
const token = { address, abi }
const supply = await reader.readContract({ ...token, functionName: 'balanceOf', args: [account.address] })
assert.ok(supply > 0n)

const { request } = await reader.simulateContract(
  { ...token, account, functionName: 'transfer', args: [stranger, 7n] })
const moved = await mined(await wallet.writeContract(request))
const logs = await reader.getContractEvents({ ...token, eventName: 'Transfer', fromBlock: moved.blockNumber })
assert.equal(logs.length, 1)
assert.equal(logs[0].args.value, 7n)
assert.ok(await reader.estimateContractGas(
  { ...token, account, functionName: 'transfer', args: [stranger, 1n] }) > 21000n)

try {
  await reader.simulateContract({ ...token, account: stranger, functionName: 'transfer', args: [stranger, 100n] })
  assert.fail('the transfer must revert')
} catch (error) {
  assert.ok(error instanceof BaseError, error)
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
  assert.equal(reverted?.data?.errorName, 'ERC20InsufficientBalance')
}

const fees = await reader.estimateFeesPerGas()
assert.ok(fees.maxFeePerGas > fees.maxPriorityFeePerGas)
const block = await reader.getBlock({ blockTag: 'latest', includeTransactions: true })
assert.equal(block.transactions[0].hash, moved.transactionHash)
assert.equal((await reader.getBlock({ blockTag: 'pending' })).number, block.number + 1n)
assert.equal((await reader.getFeeHistory({ blockCount: 3, rewardPercentiles: [50] })).reward.length, 3)
assert.ok((await reader.getProof({ address, storageKeys: [`0x${'0'.repeat(64)}`] })).accountProof.length > 0)
assert.equal((await miner.getTxpoolStatus()).pending, 0)

const poor = createWalletClient({ ...options, account: privateKeyToAccount(`0x${'5'.repeat(64)}`) })
await assert.rejects(
  poor.sendTransaction({ to: stranger, value: 1n, gas: 21000n }), (error) => error.shortMessage.includes('exceeds the balance'))

const live = createPublicClient({ chain, transport: webSocket(wsUrl) })
const next = new Promise((resolve, reject) => {
  const stop = live.watchBlocks({ onBlock: (seen) => { stop(); resolve(seen.number) }, onError: reject })
})
const ticking = setInterval(() => miner.mine({ blocks: 1 }), 300)
assert.ok(await next > block.number)
clearInterval(ticking)

const snapshot = await miner.snapshot()
await miner.setBalance({ address: stranger, value: 5n })
assert.equal(await reader.getBalance({ address: stranger }), 5n)
await miner.revert({ id: snapshot })
await miner.increaseTime({ seconds: 60 })
await miner.mine({ blocks: 2 })
console.log('ok')
process.exit(0)
