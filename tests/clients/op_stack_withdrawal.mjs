// One step of a withdrawal on L1, done by viem's OP Stack extension. The request is JSON on stdin, the answer on stdout.
import { createWalletClient, defineChain, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { chainConfig, publicActionsL1, walletActionsL1 } from 'viem/op-stack'
import { readFileSync } from 'node:fs'

const request = JSON.parse(readFileSync(0, 'utf8'))
const nativeCurrency = { name: 'Ether', symbol: 'ETH', decimals: 18 }
const l1 = defineChain({
  id: 31337,
  name: 'L1',
  nativeCurrency,
  rpcUrls: { default: { http: [request.url] } },
  contracts: { multicall3: { address: '0xcA11bde05977b3631167028862bE2a173976CA11' } },
})
const l2 = defineChain({
  ...chainConfig,
  id: 31338,
  name: 'L2',
  nativeCurrency: { name: 'OpenLedger', symbol: 'OPEN', decimals: 18 },
  rpcUrls: { default: { http: [request.url] } },
  contracts: {
    ...chainConfig.contracts,
    portal: { [l1.id]: { address: request.portal } },
    l2OutputOracle: { [l1.id]: { address: request.oracle } },
  },
})
const client = createWalletClient({
  account: privateKeyToAccount(request.key),
  chain: l1,
  transport: http(),
  pollingInterval: 50,
})
  .extend(publicActions)
  .extend(publicActionsL1())
  .extend(walletActionsL1())

const withdrawal = Object.fromEntries(
  Object.entries(request.withdrawal).map(([name, value]) => [
    name,
    ['nonce', 'value', 'gasLimit'].includes(name) ? BigInt(value) : value,
  ]),
)
const mined = async (hash) => (await client.waitForTransactionReceipt({ hash })).status
const steps = {
  status: () =>
    client.getWithdrawalStatus({
      l2BlockNumber: BigInt(request.l2BlockNumber),
      sender: withdrawal.sender,
      withdrawalHash: withdrawal.withdrawalHash,
      targetChain: l2,
    }),
  output: async () => {
    const output = await client.getL2Output({ l2BlockNumber: BigInt(request.l2BlockNumber), targetChain: l2 })
    return { index: Number(output.outputIndex), root: output.outputRoot }
  },
  timeToFinalize: async () =>
    (await client.getTimeToFinalize({ withdrawalHash: withdrawal.withdrawalHash, targetChain: l2 })).period,
  deposit: async () =>
    mined(
      await client.depositTransaction({
        request: { to: withdrawal.target, value: 1n, gas: 100_000n, data: '0x1234' },
        targetChain: l2,
      }),
    ),
  prove: async () =>
    mined(
      await client.proveWithdrawal({
        l2OutputIndex: BigInt(request.outputIndex),
        outputRootProof: request.outputRootProof,
        withdrawalProof: request.withdrawalProof,
        withdrawal,
        targetChain: l2,
      }),
    ),
  finalize: async () => mined(await client.finalizeWithdrawal({ withdrawal, targetChain: l2 })),
}
process.stdout.write(JSON.stringify(await steps[request.step]()))
