// Puts the twins and their genesis storage in place on a development node: Hardhat's own network, or anvil.
import { readFileSync } from 'node:fs'
import { addresses } from './abi.js'
import { storage } from './storage.js'

const twins = {
  attribution: 'AttributionTwin',
  datanets: 'DatanetRegistryTwin',
  models: 'ModelRegistryTwin',
  metering: 'InferenceMeteringTwin',
  staking: 'StakingTwin',
  policy: 'PolicyTwin',
  registry: 'PrecompileRegistryTwin',
}
const TIMELOCK_SLOT = `0x${'1'.padStart(64, '0')}`

const codeOf = (name) => {
  const file = new URL(`./artifacts/${twins[name]}.json`, import.meta.url)
  return `0x${JSON.parse(readFileSync(file, 'utf8')).deployedBytecode}`
}

/**
 * @param request an EIP-1193 request function; the node answers hardhat_setCode and hardhat_setStorageAt
 * @param timelock the account that may publish policy versions
 */
export async function etch(request, timelock) {
  for (const [name, address] of Object.entries(addresses)) {
    await request({ method: 'hardhat_setCode', params: [address, codeOf(name)] })
    for (const [slot, word] of Object.entries(storage[address] ?? {})) {
      await request({ method: 'hardhat_setStorageAt', params: [address, slot, word] })
    }
  }
  const word = `0x${timelock.toLowerCase().slice(2).padStart(64, '0')}`
  await request({ method: 'hardhat_setStorageAt', params: [addresses.policy, TIMELOCK_SLOT, word] })
}
