// The openledger_* methods. Integers are quantities as everywhere in Ethereum's JSON-RPC; an unknown id is null.
import type { Address, Chain, Client, Hex, Transport } from 'viem'
import { toHex } from 'viem'

/** A struct of a precompile: field names as in Solidity. */
export type Struct = Record<string, Hex | boolean | string>

export type ClaimProof = {
  postId: Hex
  contributorIndex: Hex
  contributor: Address
  amount: Hex
  siblings: Hex[]
  siblingSums: Hex[]
  amountsRoot: Hex
  final: boolean
  claimed: boolean
}

export type Split = Record<'gross' | 'platform' | 'provider' | 'owner' | 'stakers' | 'contributors', Hex>

export function rpcActions(client: Client<Transport, Chain | undefined>) {
  const ask = <result>(method: string, ...params: unknown[]) =>
    client.request({ method, params } as never) as Promise<result>
  return {
    getDatanet: (id: bigint) => ask<Struct | null>('openledger_getDatanet', toHex(id)),
    getContribution: (id: bigint) => ask<Struct | null>('openledger_getContribution', toHex(id)),
    getRequest: (id: bigint) => ask<Struct | null>('openledger_getRequest', toHex(id)),
    getProvider: (account: Address) => ask<Struct | null>('openledger_getProvider', account),
    getProviders: () => ask<Struct[]>('openledger_getProviders'),
    getProposal: (id: bigint) => ask<Struct | null>('openledger_getProposal', toHex(id)),
    getVotes: (account: Address) => ask<Struct>('openledger_getVotes', account),
    getGrant: (id: bigint) => ask<(Struct & { amounts: Hex[] }) | null>('openledger_getGrant', toHex(id)),
    getAgent: (id: bigint) => ask<(Omit<Struct, 'profile'> & { profile: Struct }) | null>('openledger_getAgent', toHex(id)),
    /** Kinds: 1 model, 2 Datanet, 3 agent. */
    getAssetToken: (kind: bigint, asset: bigint) =>
      ask<Struct | null>('openledger_getAssetToken', toHex(kind), toHex(asset)),
    getVersion: (datanet: bigint, version: bigint) =>
      ask<Struct | null>('openledger_getVersion', toHex(datanet), toHex(version)),
    getFeatureIndex: (id: bigint) => ask<Struct | null>('openledger_getFeatureIndex', toHex(id)),
    getSettlement: (id: bigint) => ask<Struct | null>('openledger_getSettlement', toHex(id)),
    getPost: (id: bigint) => ask<Struct | null>('openledger_getPost', toHex(id)),
    getValidator: (account: Address) =>
      ask<Record<'validator' | 'provider', Struct>>('openledger_getValidator', account),
    getWithdrawalProof: (transaction: Hex) =>
      ask<Record<string, unknown>>('openledger_getWithdrawalProof', transaction),
    supply: () => ask<Struct>('openledger_supply'),
    syncStatus: () => ask<Record<string, unknown>>('openledger_syncStatus'),
    getModel: (id: bigint) => ask<Struct | null>('openledger_getModel', toHex(id)),
    getLineage: (id: bigint) => ask<unknown[] | null>('openledger_getLineage', toHex(id)),
    getChannel: (id: Hex) => ask<Struct | null>('openledger_getChannel', id),
    getReceipt: (channel: Hex, number: bigint) => ask<Struct | null>('openledger_getReceipt', channel, toHex(number)),
    getReceiptProof: (channel: Hex, number: bigint) =>
      ask<Struct | null>('openledger_getReceiptProof', channel, toHex(number)),
    getAttribution: (id: string) => ask<Record<string, unknown> | null>('openledger_getAttribution', id),
    getAttributionProof: (post: bigint, contributor: Address) =>
      ask<ClaimProof | null>('openledger_getAttributionProof', toHex(post), contributor),
    getRecordProof: (datanet: bigint, version: bigint, record: bigint) =>
      ask<Struct | null>('openledger_getRecordProof', toHex(datanet), toHex(version), toHex(record)),
    estimateEarnings: (contributor: Address, model: bigint) =>
      ask<Struct | null>('openledger_estimateEarnings', contributor, toHex(model)),
    getRewards: (account: Address) => ask<Struct>('openledger_getRewards', account),
    getPolicy: () => ask<{ version: Hex; parameters: Struct } | null>('openledger_getPolicy'),
    previewSplit: (gross: bigint) => ask<Split>('openledger_previewSplit', toHex(gross)),
    getJob: (id: string) => ask<Record<string, unknown> | null>('openledger_getJob', id),
    fundAddress: (account: Address) => ask<Hex[]>('openledger_fundAddress', account),
  }
}
