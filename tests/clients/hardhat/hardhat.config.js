// A Hardhat 3 project whose network is our L2. Its compiler is npm's solc, so nothing is downloaded.
import { createRequire } from 'node:module'
import nodeTestRunner from '@nomicfoundation/hardhat-node-test-runner'
import viem from '@nomicfoundation/hardhat-viem'
import { defineConfig } from 'hardhat/config'

export default defineConfig({
  plugins: [nodeTestRunner, viem],
  solidity: {
    version: '0.8.37',
    path: createRequire(import.meta.url).resolve('solc/soljson.js'),
    settings: { evmVersion: 'prague', optimizer: { enabled: true, runs: 200 } },
  },
  networks: {
    openledger: {
      type: 'http',
      chainType: 'op',
      url: process.env.OPENLEDGER_RPC ?? 'http://127.0.0.1:8545',
      accounts: [process.env.PRIVATE_KEY ?? '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'],
    },
  },
})
