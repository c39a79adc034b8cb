// `client.extend(openLedgerActions())`: the economy's contracts and methods by name.
import * as precompiles from '@openledger/precompiles'
import type { Address } from 'viem'
import type { Signer } from './contract.ts'
import { contractActions } from './contract.ts'
import * as predeploys from './predeploys.ts'
import { rpcActions } from './rpc.ts'

export const openLedgerActions = () => (client: Signer) => ({
  openledger: {
    ...rpcActions(client),
    attribution: contractActions(client, precompiles.addresses.attribution, precompiles.attribution),
    datanets: contractActions(client, precompiles.addresses.datanets, precompiles.datanets),
    models: contractActions(client, precompiles.addresses.models, precompiles.models),
    metering: contractActions(client, precompiles.addresses.metering, precompiles.metering),
    staking: contractActions(client, precompiles.addresses.staking, precompiles.staking),
    policy: contractActions(client, precompiles.addresses.policy, precompiles.policy),
    registry: contractActions(client, precompiles.addresses.registry, precompiles.registry),
    governor: contractActions(client, predeploys.predeploys.governor, predeploys.governor),
    votes: contractActions(client, predeploys.predeploys.votes, predeploys.votes),
    timelock: contractActions(client, predeploys.predeploys.timelock, predeploys.timelock),
    treasury: contractActions(client, predeploys.predeploys.treasury, predeploys.treasury),
    grants: contractActions(client, predeploys.predeploys.grants, predeploys.grants),
    tokens: contractActions(client, predeploys.predeploys.tokens, predeploys.tokens),
    agents: contractActions(client, predeploys.predeploys.agents, predeploys.agents),
    callbacks: contractActions(client, predeploys.predeploys.callbacks, predeploys.callbacks),
    /** A model's, Datanet's or agent's token. */
    assetToken: (address: Address) => contractActions(client, address, predeploys.assetToken),
    /** An agent's wallet. */
    agentAccount: (address: Address) => contractActions(client, address, predeploys.agentAccount),
  },
})
