// A contract's life with viem: deploy, simulate, write, read, find in logs, multicall, and every kind of refusal.
import { BaseError, ContractFunctionRevertedError, getContract } from 'viem'
import { account, answer, mined, publicClient, request, walletClient } from './network.mjs'

const { abi, bytecode } = request
const deployed = await mined(await walletClient.deployContract({ abi, bytecode, args: ['first'], value: 7n }))
const address = deployed.contractAddress
const notebook = getContract({ address, abi, client: { public: publicClient, wallet: walletClient } })

const simulated = await publicClient.simulateContract({
  account, address, abi, functionName: 'write', args: ['second'],
})
const written = await mined(await walletClient.writeContract(simulated.request))
const named = await publicClient.getContractEvents({
  address, abi, eventName: 'Noted', args: { author: account.address, number: 2n }, fromBlock: 0n, strict: true,
})
const here = await publicClient.getLogs({ address, blockHash: written.blockHash })

async function refusal(call) {
  try {
    await call()
  } catch (error) {
    const revert = error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError)
    if (!revert) throw error
    return { name: revert.data?.errorName, args: revert.data?.args, reason: revert.reason }
  }
  throw new Error('not refused')
}
const stranger = '0x1111111111111111111111111111111111111111'
const refusals = {
  custom: await refusal(() => notebook.simulate.write(['x'.repeat(65)])),
  string: await refusal(() => notebook.simulate.reset({ account: stranger })),
  panic: await refusal(() => notebook.read.divide([1n, 0n])),
  silent: await refusal(() => notebook.read.refuse()),
  estimate: await refusal(() => notebook.estimateGas.write(['x'.repeat(65)], { account })),
}
const multicall = await publicClient.multicall({
  contracts: [
    { address, abi, functionName: 'count' },
    { address, abi, functionName: 'texts', args: [2n] },
    { address, abi, functionName: 'divide', args: [1n, 0n] },
  ],
})
const block = await publicClient.getBlock({ blockNumber: written.blockNumber, includeTransactions: true })
const proof = await publicClient.getProof({ address, storageKeys: ['0x' + '00'.repeat(32)] })
answer({
  deployed: { status: deployed.status, owner: await notebook.read.owner(), balance: await publicClient.getBalance({ address }) },
  simulated: simulated.result,
  written: { status: written.status, type: written.type, l1Fee: written.l1Fee },
  named: named.map(({ args, transactionHash }) => ({ text: args.text, own: transactionHash === written.transactionHash })),
  logsInBlock: here.length,
  refusals,
  multicall: multicall.map(({ status, result, error }) => ({ status, result, error: error?.cause?.reason })),
  historicCount: await notebook.read.count({ blockNumber: deployed.blockNumber }),
  overridden: await publicClient.readContract({
    address, abi, functionName: 'count',
    stateOverride: [{ address, stateDiff: [{ slot: '0x' + '00'.repeat(32), value: '0x' + '00'.repeat(31) + '4d' }] }],
  }),
  block: {
    types: block.transactions.map(({ type }) => type),
    holds: block.transactions.some(({ hash }) => hash === written.transactionHash),
  },
  slot: proof.storageProof[0].value,
  codeEqual: (await publicClient.getCode({ address })).length > 1000,
})
