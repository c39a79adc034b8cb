// What an ethers user does against a running node; ethers has the strictest parser of blocks and receipts.
// Usage: node ethers_smoke.mjs HTTP_URL WS_URL PRIVATE_KEY TOKEN_ARTEFACT
import { readFileSync } from 'node:fs'
import assert from 'node:assert/strict'
import { ContractFactory, JsonRpcProvider, Wallet, WebSocketProvider, isError, parseEther } from 'ethers'

const [httpUrl, wsUrl, key, artefact] = process.argv.slice(2)
const { abi, bytecode } = JSON.parse(readFileSync(artefact, 'utf8'))
const provider = new JsonRpcProvider(httpUrl, undefined, { batchMaxCount: 100, cacheTimeout: -1 })
provider.pollingInterval = 50
const wallet = new Wallet(key, provider)
const mine = () => provider.send('evm_mine', [])

async function mined(sent) {
  await mine()
  const receipt = await sent.wait(1, 10_000)
  assert.equal(receipt.status, 1)
  return receipt
}

const stranger = '0x00000000000000000000000000000000000000bb'
await mined(await wallet.sendTransaction({ to: stranger, value: parseEther('1') }))
assert.equal(await provider.getBalance(stranger), parseEther('1'))

const token = await new ContractFactory(abi, bytecode, wallet).deploy(wallet.address)
await mined(token.deploymentTransaction())
const receipt = await mined(await token.transfer(stranger, 9n))
const events = await token.queryFilter(token.filters.Transfer(), receipt.blockNumber)
assert.equal(events[0].args[2], 9n)

const poor = new Wallet(`0x${'6'.repeat(64)}`, provider)
await assert.rejects(token.connect(poor).transfer.staticCall(stranger, 1n), (error) =>
  isError(error, 'CALL_EXCEPTION') && error.revert?.name === 'ERC20InsufficientBalance')
await assert.rejects(poor.sendTransaction({ to: stranger, value: 1n, gasLimit: 21000n }), (error) =>
  isError(error, 'INSUFFICIENT_FUNDS'))

const fees = await provider.getFeeData()
assert.ok(fees.maxFeePerGas > fees.maxPriorityFeePerGas)
const block = await provider.getBlock('latest', true)
assert.equal(block.prefetchedTransactions.length, 1)
assert.ok(await provider.getBlock('pending'))
const numbers = await Promise.all(Array.from({ length: 100 }, () => provider.send('eth_blockNumber', [])))
assert.equal(new Set(numbers).size, 1)

const live = new WebSocketProvider(wsUrl)
const next = new Promise((resolve) => live.once('block', resolve))
await live.getNetwork()
const ticking = setInterval(mine, 300)
assert.ok(await next > block.number)
clearInterval(ticking)
console.log('ok')
process.exit(0)
