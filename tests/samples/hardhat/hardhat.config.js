// Its compiler is npm's solc, so nothing is downloaded.
import { createRequire } from 'node:module'
import nodeTestRunner from '@nomicfoundation/hardhat-node-test-runner'
import viem from '@nomicfoundation/hardhat-viem'
import { defineConfig } from 'hardhat/config'

export default defineConfig({
  plugins: [nodeTestRunner, viem],
  solidity: {
    version: '0.8.37',
    path: createRequire(import.meta.url).resolve('solc/soljson.js'),
    settings: { evmVersion: 'cancun', optimizer: { enabled: true, runs: 200 } },
  },
  networks: { twins: { type: 'edr-simulated', chainType: 'generic', allowUnlimitedContractSize: true } },
})
