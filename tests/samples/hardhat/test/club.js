// npx hardhat test nodejs --network twins
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addresses, datanets, policy } from '@openledger/precompiles'
import { etch } from '@openledger/precompiles/etch'
import { network } from 'hardhat'
import { getContract, keccak256, parseEther, stringToHex } from 'viem'

describe('DataClub on the twins', async () => {
  const { provider, viem } = await network.create()
  const client = await viem.getPublicClient()
  const [owner, member] = await viem.getWalletClients()
  await etch((call) => provider.request(call), owner.account.address)
  const club = await viem.deployContract('DataClub', ['Digits', parseEther('2')])
  const datanet = await club.read.DATANET()
  const registry = getContract({ address: addresses.datanets, abi: datanets, client: { public: client, wallet: member } })
  const rules = getContract({ address: addresses.policy, abi: policy, client })
  const { contributionBond } = await rules.read.getParameters([1n])
  const contribution = [datanet, keccak256(stringToHex('root')), 10n, 1_000n]

  it('owns its Datanet', async () => {
    assert.equal((await registry.read.getDatanet([datanet])).owner.toLowerCase(), club.address)
  })

  it('takes data of members only', async () => {
    await assert.rejects(registry.write.contribute(contribution, { value: contributionBond }), /NotContributor/)
  })

  it('publishes what a member brought', async () => {
    await club.write.join({ account: member.account, value: parseEther('2') })
    await registry.write.contribute(contribution, { value: contributionBond })
    const testing = await viem.getTestClient()
    await testing.mine({ blocks: 2 })
    await registry.write.reveal([1n, 'sha256:00'])
    await club.write.accept([1n])
    assert.equal((await registry.read.getVersion([datanet, 1n])).records, 10n)
    const [published] = await registry.getEvents.VersionPublished({ datanetId: datanet })
    assert.equal(published.args.version, 1n)
  })
})
