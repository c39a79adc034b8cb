// The networks. Their contracts are the OP Stack's where they have the role, so viem/op-stack works on them too.
import { defineChain } from 'viem'
import { chainConfig } from 'viem/op-stack'

const open = { name: 'OPEN', symbol: 'OPEN', decimals: 18 } as const
const contracts = {
  ...chainConfig.contracts,
  multicall3: { address: '0xcA11bde05977b3631167028862bE2a173976CA11' },
} as const

/** `openledger-node dev` on this machine. */
export const openledgerDev = defineChain({
  ...chainConfig,
  id: 31338,
  name: 'OpenLedger dev',
  nativeCurrency: open,
  blockTime: 1_000,
  rpcUrls: { default: { http: ['http://127.0.0.1:8545'], webSocket: ['ws://127.0.0.1:8546'] } },
  contracts,
  sourceId: 31337,
  testnet: true,
})

/** A network of one's own: id, URL and the L1's chain id. */
export const openledgerNetwork = (id: number, url: string, sourceId: number) =>
  defineChain({
    ...chainConfig,
    id,
    name: `OpenLedger ${id}`,
    nativeCurrency: open,
    blockTime: 2_000,
    rpcUrls: { default: { http: [url] } },
    contracts,
    sourceId,
  })
