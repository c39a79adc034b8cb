// What every script starts from: the request on stdin, the chains and clients it names, the answer on stdout.
import { readFileSync } from 'node:fs'
import { createPublicClient, createWalletClient, defineChain, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { chainConfig } from 'viem/op-stack'

export const request = JSON.parse(readFileSync(0, 'utf8'))
const multicall3 = { address: '0xcA11bde05977b3631167028862bE2a173976CA11' }

/** A plain chain at `request.url`, whatever its id: what a test client works on. */
export const plainChain = (id) =>
  defineChain({
    id,
    name: 'plain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [request.url] } },
  })
export const l1 = defineChain({
  id: 31337,
  name: 'L1',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [request.l1Url] } },
  contracts: { multicall3 },
})
export const l2 = defineChain({
  ...chainConfig,
  id: 31338,
  name: 'OpenLedger',
  nativeCurrency: { name: 'OpenLedger', symbol: 'OPEN', decimals: 18 },
  rpcUrls: { default: { http: [request.url], webSocket: [request.url.replace('http', 'ws')] } },
  contracts: {
    ...chainConfig.contracts,
    multicall3,
    portal: { [l1.id]: { address: request.contracts?.portal } },
    l2OutputOracle: { [l1.id]: { address: request.contracts?.output_oracle } },
  },
})

export const account = privateKeyToAccount(request.key)
const manner = { transport: http(), pollingInterval: 100 }
export const publicClient = createPublicClient({ chain: l2, ...manner })
export const walletClient = createWalletClient({ account, chain: l2, ...manner })
export const publicL1 = createPublicClient({ chain: l1, ...manner })
export const walletL1 = createWalletClient({ account, chain: l1, ...manner })

export const mined = (hash) => publicClient.waitForTransactionReceipt({ hash, timeout: 30_000 })
export const minedOnL1 = (hash) => publicL1.waitForTransactionReceipt({ hash, timeout: 30_000 })

// Numbers beyond 2^53 travel as decimal strings.
export const answer = (value) =>
  process.stdout.write(JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? item.toString() : item)))
