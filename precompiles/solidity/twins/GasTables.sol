// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPrecompileErrors} from "../interfaces/IPrecompileErrors.sol";

/// @title The prices of `precompiles/gas.py`; written by `python -m tests.precompiles.gas_tables`
library GasTables {
    uint256 private constant INPUT_WORD = 12;
    uint256 private constant MAXIMUM_ELEMENTS = 2 ** 64;

    function attribution(bytes4 selector, uint256[] calldata counts) internal pure returns (uint256) {
        if (selector == 0x301f00db) return _total(counts, 399519, 46756, 256, 0, 0); // post
        if (selector == 0x51652084) return _total(counts, 157411, 0, 0, 0, 0); // commitChallenge
        if (selector == 0x6864cd97) return _total(counts, 351167, 600, 30, 60, 0); // challengeScore
        if (selector == 0x57d2f951) return _total(counts, 340367, 600, 52200, 60, 0); // challengeAmount
        if (selector == 0xb45a7179) return _total(counts, 351167, 600, 30, 60, 0); // challengeDebt
        if (selector == 0xb606d61d) return _total(counts, 340487, 600, 60, 0, 0); // challengeNode
        if (selector == 0x03af06d8) return _total(counts, 171791, 0, 0, 0, 0); // commitIndexChallenge
        if (selector == 0x4b81a5f3) return _total(counts, 348047, 10, 60, 0, 0); // challengeRow
        if (selector == 0x575956ab) return _total(counts, 348047, 30, 60, 0, 0); // challengeNorm
        if (selector == 0x06c391dd) return _total(counts, 403103, 25920, 0, 0, 0); // challengeCount
        if (selector == 0x75d383dd) return _total(counts, 497003, 25920, 10, 60, 60); // challengeOwner
        if (selector == 0x0f61bbaf) return _total(counts, 512543, 25920, 10, 60, 0); // challengeDuplicate
        if (selector == 0xf9e5090d) return _total(counts, 458063, 25920, 30, 60, 400); // challengeSketch
        if (selector == 0xb97d9cfd) return _total(counts, 16195, 0, 0, 0, 0); // commitSpanChallenge
        if (selector == 0x86250b2a) return _total(counts, 342543, 25920, 30, 60, 360); // challengeSpan
        if (selector == 0x48238f60) return _total(counts, 244863, 30, 360, 0, 0); // challengeAnswerSpan
        if (selector == 0x1ac9b2e5) return _total(counts, 251343, 360, 0, 0, 0); // challengeExplanations
        if (selector == 0x1849b3c7) return _total(counts, 138907, 0, 0, 0, 0); // settleIndexCase
        if (selector == 0xd1c94b60) return _total(counts, 23700, 0, 0, 0, 0); // indexStatus
        if (selector == 0x7dfbbc9b) return _total(counts, 255243, 30, 60, 0, 0); // openSumGame
        if (selector == 0x374df546) return _total(counts, 255243, 30, 60, 0, 0); // openWideSumGame
        if (selector == 0x3799b5ca) return _total(counts, 122983, 256, 0, 0, 0); // answerSumGame
        if (selector == 0x7836b85a) return _total(counts, 143359, 60, 0, 0, 0); // chooseSumGame
        if (selector == 0xba6eed77) return _total(counts, 398463, 10, 60, 0, 0); // proveSumGame
        if (selector == 0xee854094) return _total(counts, 376383, 0, 0, 0, 0); // endSumGame
        if (selector == 0xc36465b9) return _total(counts, 307323, 600, 30, 60, 0); // openQueryGame
        if (selector == 0x90f6933f) return _total(counts, 420303, 30, 60, 0, 0); // proveQueryGame
        if (selector == 0x27e548b0) return _total(counts, 468363, 600, 60, 0, 0); // challengeReceipt
        if (selector == 0x41b01ddf) return _total(counts, 468603, 600, 60, 0, 0); // challengeWeight
        if (selector == 0x918bfc88) return _total(counts, 489723, 600, 30, 60, 0); // challengeQuery
        if (selector == 0x60843fda) return _total(counts, 65587, 30, 60, 0, 0); // tallyProducts
        if (selector == 0x82991d8f) return _total(counts, 439103, 600, 60, 0, 0); // challengeWideScore
        if (selector == 0xd3dc13b1) return _total(counts, 360383, 60, 0, 0, 0); // challengeWideNorm
        if (selector == 0xe0f56e52) return _total(counts, 12900, 0, 0, 0, 0); // getTally
        if (selector == 0x4d4c1477) return _total(counts, 203959, 480, 0, 0, 0); // demandOfIndex
        if (selector == 0xa47f1e4f) return _total(counts, 288679, 600, 480, 0, 0); // demandOfPost
        if (selector == 0x756b797e) return _total(counts, 137607, 256, 0, 0, 0); // answerDemand
        if (selector == 0xd7f75c19) return _total(counts, 367063, 0, 0, 0, 0); // expireDemand
        if (selector == 0x1ac2733c) return _total(counts, 25860, 0, 0, 0, 0); // getDemand
        if (selector == 0x25807988) return _total(counts, 32340, 0, 0, 0, 0); // getSumGame
        if (selector == 0x05261aea) return _total(counts, 175083, 0, 0, 0, 0); // finalize
        if (selector == 0x67b755e1) return _total(counts, 160411, 60, 0, 0, 0); // claim
        if (selector == 0xf3b61ef1) return _total(counts, 166651, 60, 0, 0, 0); // claimFor
        if (selector == 0x01b99eba) return _total(counts, 31451, 0, 0, 0, 0); // withdrawDust
        if (selector == 0xc3daab96) return _total(counts, 125691, 0, 0, 0, 0); // withdrawBond
        if (selector == 0x40731c24) return _total(counts, 28020, 0, 0, 0, 0); // getPost
        if (selector == 0x061da90e) return _total(counts, 6420, 0, 0, 0, 0); // postOfSettlement
        if (selector == 0xa8db6802) return _total(counts, 8580, 0, 0, 0, 0); // carryOf
        if (selector == 0xf364c90c) return _total(counts, 4260, 0, 0, 0, 0); // isClaimed
        if (selector == 0xd06996d3) return _total(counts, 73680, 60, 0, 0, 0); // claimable
        if (selector == 0x47095f99) return _total(counts, 6420, 0, 0, 0, 0); // preview
        if (selector == 0x7cd1ba99) return _total(counts, 4260, 0, 0, 0, 0); // dustOf
        if (selector == 0x8df08bd4) return _total(counts, 4260, 0, 0, 0, 0); // earningsOf
        if (selector == 0x8f7876c4) return _total(counts, 4260, 0, 0, 0, 0); // slashedOf
        if (selector == 0x1d62ebd9) return _total(counts, 4260, 0, 0, 0, 0); // rewardOf
        if (selector == 0xc5bc5205) return _total(counts, 4260, 0, 0, 0, 0); // openLiabilityOf
        if (selector == 0x6fa129f0) return _total(counts, 6420, 0, 0, 0, 0); // exposureOf
        if (selector == 0x1ca1066f) return _total(counts, 980535, 60, 0, 0, 0); // openRowCase
        if (selector == 0x24934829) return _total(counts, 980535, 0, 0, 0, 0); // openPreconditionerCase
        if (selector == 0x26db5334) return _total(counts, 17459, 60, 316, 0, 0); // showQuery
        if (selector == 0xbbfd4a76) return _total(counts, 4260, 0, 0, 0, 0); // shownOf
        if (selector == 0x84179473) return _total(counts, 1702431, 600, 60, 316, 0); // openQueryCase
        if (selector == 0x4220b73c) return _total(counts, 1128195, 60, 0, 0, 0); // openAudit
        if (selector == 0x33fc0a28) return _total(counts, 84420, 0, 0, 0, 0); // auditOf
        if (selector == 0xd64e9152) return _total(counts, 14320, 0, 0, 0, 0); // fundAudits
        if (selector == 0xdca772a9) return _total(counts, 8580, 0, 0, 0, 0); // auditFund
        if (selector == 0x45998bd6) return _total(counts, 123711, 0, 0, 0, 0); // releaseSettlement
        if (selector == 0x4efd03cc) return _total(counts, 127211, 0, 0, 0, 0); // drawJury
        if (selector == 0x86560f3c) return _total(counts, 420687, 0, 0, 0, 0); // commitVerdict
        if (selector == 0xc40da3cf) return _total(counts, 147315, 0, 0, 0, 0); // revealVerdict
        if (selector == 0x15b1cb9b) return _total(counts, 628863, 0, 0, 0, 0); // closeJuryCase
        if (selector == 0x829d5e01) return _total(counts, 116371, 0, 0, 0, 0); // claimJurorPay
        if (selector == 0x0b15a8b5) return _total(counts, 479263, 0, 0, 0, 0); // punishAbsence
        if (selector == 0x73db859a) return _total(counts, 367260, 0, 0, 0, 0); // seatsOf
        if (selector == 0x1dcb66ff) return _total(counts, 114180, 0, 0, 0, 0); // coordinatesOf
        if (selector == 0x84026314) return _total(counts, 49620, 0, 0, 0, 0); // getJuryCase
        if (selector == 0xcdb9cd71) return _total(counts, 60420, 0, 0, 0, 0); // getJuryDraw
        if (selector == 0x4b4acfd3) return _total(counts, 58260, 0, 0, 0, 0); // getJuror
        if (selector == 0x33a8067a) return _total(counts, 4260, 0, 0, 0, 0); // juryCaseCount
        if (selector == 0x8f66bb4a) return _total(counts, 4260, 0, 0, 0, 0); // validatorSlashedOf
        if (selector == 0xe07d67fc) return _total(counts, 4200, 0, 0, 0, 0); // gasOf
        revert IPrecompileErrors.UnknownFunctionSelector(selector);
    }

    function datanetRegistry(bytes4 selector, uint256[] calldata counts) internal pure returns (uint256) {
        if (selector == 0xd9c4c2d5) return _total(counts, 108783, 256, 0, 0, 0); // createDatanet
        if (selector == 0xe59f1b2a) return _total(counts, 35891, 0, 0, 0, 0); // setCurator
        if (selector == 0x47fa4d66) return _total(counts, 35891, 0, 0, 0, 0); // setContributor
        if (selector == 0x71dff691) return _total(counts, 164599, 0, 0, 0, 0); // contribute
        if (selector == 0x2fa4548b) return _total(counts, 36147, 256, 0, 0, 0); // reveal
        if (selector == 0x4ba2fa06) return _total(counts, 216739, 0, 0, 0, 0); // review
        if (selector == 0x491bd77b) return _total(counts, 152123, 0, 0, 0, 0); // publishVersion
        if (selector == 0x5a3255b9) return _total(counts, 51267, 0, 0, 0, 0); // drawParents
        if (selector == 0x40e58ee5) return _total(counts, 33475, 0, 0, 0, 0); // cancel
        if (selector == 0xc07341c4) return _total(counts, 46719, 256, 0, 0, 0); // setMetadata
        if (selector == 0xdfa3e892) return _total(counts, 46207, 0, 0, 0, 0); // setUsage
        if (selector == 0x61431e02) return _total(counts, 35891, 0, 0, 0, 0); // grantUsage
        if (selector == 0x138e5dbf) return _total(counts, 55211, 0, 0, 0, 0); // buyUsage
        if (selector == 0xc97ecd1a) return _total(counts, 35635, 0, 0, 0, 0); // transferDatanet
        if (selector == 0xc3daab96) return _total(counts, 48731, 0, 0, 0, 0); // withdrawBond
        if (selector == 0x6add54ee) return _total(counts, 23700, 0, 0, 0, 0); // getDatanet
        if (selector == 0xcef42254) return _total(counts, 21540, 0, 0, 0, 0); // getContribution
        if (selector == 0x6987b075) return _total(counts, 32340, 0, 0, 0, 0); // getVersion
        if (selector == 0xefbef75a) return _total(counts, 30180, 0, 0, 0, 0); // getAcceptance
        if (selector == 0x5d88c552) return _total(counts, 47460, 0, 0, 0, 0); // mayUse
        if (selector == 0x1bcc590a) return _total(counts, 25860, 0, 0, 0, 0); // usagePrice
        if (selector == 0xb4e612bd) return _total(counts, 25860, 0, 0, 0, 0); // isCurator
        if (selector == 0x00e8a5c3) return _total(counts, 52080, 60, 0, 0, 0); // verifyRecord
        if (selector == 0xe07d67fc) return _total(counts, 4200, 0, 0, 0, 0); // gasOf
        revert IPrecompileErrors.UnknownFunctionSelector(selector);
    }

    function modelRegistry(bytes4 selector, uint256[] calldata counts) internal pure returns (uint256) {
        if (selector == 0x776bfd58) return _total(counts, 155959, 91615, 256, 0, 0); // registerModel
        if (selector == 0xaa585d56) return _total(counts, 46207, 0, 0, 0, 0); // setPrice
        if (selector == 0xfc71937f) return _total(counts, 35635, 0, 0, 0, 0); // setRevenueRecipient
        if (selector == 0x4cad1c3a) return _total(counts, 282259, 256, 0, 0, 0); // commitFeatureIndex
        if (selector == 0x084245f6) return _total(counts, 35635, 0, 0, 0, 0); // setIndexSigner
        if (selector == 0xd3dbcc83) return _total(counts, 94891, 0, 0, 0, 0); // retireFeatureIndex
        if (selector == 0x17399405) return _total(counts, 4260, 0, 0, 0, 0); // indexSignerOf
        if (selector == 0xcf6ebee7) return _total(counts, 4260, 0, 0, 0, 0); // isRetired
        if (selector == 0x2bdb2b4c) return _total(counts, 6420, 0, 0, 0, 0); // indexesOf
        if (selector == 0x94508595) return _total(counts, 40211, 0, 0, 0, 0); // deprecateModel
        if (selector == 0xfc2f8223) return _total(counts, 35635, 0, 0, 0, 0); // transferModel
        if (selector == 0xb7808e9a) return _total(counts, 38051, 0, 0, 0, 0); // setRetrieval
        if (selector == 0x301d353e) return _total(counts, 4260, 0, 0, 0, 0); // mayRetrieve
        if (selector == 0x446de69a) return _total(counts, 6420, 0, 0, 0, 0); // isDeprecated
        if (selector == 0x5540d526) return _total(counts, 4260, 0, 0, 0, 0); // childCount
        if (selector == 0xc799eb91) return _total(counts, 6420, 0, 0, 0, 0); // childAt
        if (selector == 0xb3db22ad) return _total(counts, 4260, 0, 0, 0, 0); // userCount
        if (selector == 0x0a4aff57) return _total(counts, 6420, 0, 0, 0, 0); // userAt
        if (selector == 0x6d361694) return _total(counts, 23700, 0, 0, 0, 0); // getModel
        if (selector == 0x8e80f4b4) return _total(counts, 28020, 0, 0, 0, 0); // getSource
        if (selector == 0x14b966fe) return _total(counts, 28020, 0, 0, 0, 0); // getFeatureIndex
        if (selector == 0xe07d67fc) return _total(counts, 4200, 0, 0, 0, 0); // gasOf
        revert IPrecompileErrors.UnknownFunctionSelector(selector);
    }

    function inferenceMetering(bytes4 selector, uint256[] calldata counts) internal pure returns (uint256) {
        if (selector == 0xedb3e330) return _total(counts, 254623, 0, 0, 0, 0); // openChannel
        if (selector == 0xcfa54f39) return _total(counts, 40467, 0, 0, 0, 0); // topUp
        if (selector == 0x2e56533c) return _total(counts, 450435, 256, 0, 0, 0); // settle
        if (selector == 0xb618c20f) return _total(counts, 458715, 256, 107319, 0, 0); // settleWithRetrieval
        if (selector == 0xed412dd0) return _total(counts, 132483, 60, 0, 0, 0); // claimRetrieval
        if (selector == 0xf23b5fc0) return _total(counts, 19380, 0, 0, 0, 0); // getRetrieval
        if (selector == 0xf3c2e9cd) return _total(counts, 4260, 0, 0, 0, 0); // isRetrievalClaimed
        if (selector == 0x6bf5fe6f) return _total(counts, 42371, 0, 0, 0, 0); // requestClose
        if (selector == 0x8e19899e) return _total(counts, 65271, 0, 0, 0, 0); // withdraw
        if (selector == 0x3eff626b) return _total(counts, 326023, 256, 0, 0, 0); // requestInference
        if (selector == 0x5e8114ba) return _total(counts, 136291, 256, 0, 0, 0); // fulfil
        if (selector == 0xd247f92b) return _total(counts, 596315, 0, 0, 0, 0); // settleRequest
        if (selector == 0x32730fa2) return _total(counts, 91991, 0, 0, 0, 0); // disputeRequest
        if (selector == 0x7411484e) return _total(counts, 102671, 0, 0, 0, 0); // refundRequest
        if (selector == 0x50af3f72) return _total(counts, 82551, 0, 0, 0, 0); // markDelivered
        if (selector == 0x021ed0df) return _total(counts, 106883, 256, 0, 0, 0); // announceProvider
        if (selector == 0x71608b13) return _total(counts, 47371, 0, 0, 0, 0); // setOffer
        if (selector == 0xc58343ef) return _total(counts, 45300, 0, 0, 0, 0); // getRequest
        if (selector == 0x55f21eb7) return _total(counts, 8580, 0, 0, 0, 0); // getProvider
        if (selector == 0x74c83268) return _total(counts, 4260, 0, 0, 0, 0); // providerCount
        if (selector == 0xa27091f2) return _total(counts, 6420, 0, 0, 0, 0); // providerAt
        if (selector == 0x2f14d939) return _total(counts, 4260, 0, 0, 0, 0); // isOffered
        if (selector == 0x5c7200dd) return _total(counts, 4260, 0, 0, 0, 0); // modelProviderCount
        if (selector == 0x52042d2e) return _total(counts, 6420, 0, 0, 0, 0); // modelProviderAt
        if (selector == 0xf6b13459) return _total(counts, 12900, 0, 0, 0, 0); // statisticsOf
        if (selector == 0x2696e325) return _total(counts, 4260, 0, 0, 0, 0); // passedTo
        if (selector == 0xda42d7b8) return _total(counts, 2100, 96702, 0, 0, 0); // releaseEarnings
        if (selector == 0x3d4d8d4f) return _total(counts, 31451, 0, 0, 0, 0); // withdrawEarnings
        if (selector == 0x831c2b82) return _total(counts, 28020, 0, 0, 0, 0); // getChannel
        if (selector == 0x4c582380) return _total(counts, 28020, 0, 0, 0, 0); // getSettlement
        if (selector == 0x8df08bd4) return _total(counts, 4260, 0, 0, 0, 0); // earningsOf
        if (selector == 0xd2ac2d8a) return _total(counts, 4260, 0, 0, 0, 0); // heldOf
        if (selector == 0x40251517) return _total(counts, 4260, 0, 0, 0, 0); // heldIn
        if (selector == 0xc3d99742) return _total(counts, 4260, 0, 0, 0, 0); // stakersTotal
        if (selector == 0x3b86ba98) return _total(counts, 4260, 0, 0, 0, 0); // auditsTotal
        if (selector == 0x25875f4f) return _total(counts, 4260, 0, 0, 0, 0); // stakersTotalIn
        if (selector == 0x3a98444d) return _total(counts, 4260, 0, 0, 0, 0); // channelNonce
        if (selector == 0xe07d67fc) return _total(counts, 4200, 0, 0, 0, 0); // gasOf
        revert IPrecompileErrors.UnknownFunctionSelector(selector);
    }

    function staking(bytes4 selector, uint256[] calldata counts) internal pure returns (uint256) {
        if (selector == 0xa694fc3a) return _total(counts, 427247, 0, 0, 0, 0); // stake
        if (selector == 0x68d4341f) return _total(counts, 427247, 0, 0, 0, 0); // requestUnstake
        if (selector == 0x2e1a7d4d) return _total(counts, 446311, 0, 0, 0, 0); // withdraw
        if (selector == 0x026e402b) return _total(counts, 565367, 0, 0, 0, 0); // delegate
        if (selector == 0xf522f8cf) return _total(counts, 513527, 0, 0, 0, 0); // undelegate
        if (selector == 0x01a5d67e) return _total(counts, 441991, 0, 0, 0, 0); // withdrawDelegation
        if (selector == 0x5167a0b6) return _total(counts, 395647, 0, 0, 0, 0); // setCommission
        if (selector == 0x58639072) return _total(counts, 426991, 0, 0, 0, 0); // collectRewards
        if (selector == 0xef5cfb8c) return _total(counts, 824511, 0, 0, 0, 0); // claimRewards
        if (selector == 0x5271f123) return _total(counts, 40091, 0, 0, 0, 0); // claimSlashReward
        if (selector == 0xbae59454) return _total(counts, 355860, 0, 0, 0, 0); // checkpoint
        if (selector == 0xf11733de) return _total(counts, 53940, 0, 0, 0, 0); // position
        if (selector == 0xed87169c) return _total(counts, 36660, 0, 0, 0, 0); // stakeOf
        if (selector == 0x4ed32fac) return _total(counts, 110100, 0, 0, 0, 0); // delegation
        if (selector == 0xe04c55ac) return _total(counts, 88500, 0, 0, 0, 0); // commission
        if (selector == 0x8b0e9f3f) return _total(counts, 4260, 0, 0, 0, 0); // totalStake
        if (selector == 0x31d7a262) return _total(counts, 209460, 0, 0, 0, 0); // pendingRewards
        if (selector == 0x900cf0cf) return _total(counts, 4260, 0, 0, 0, 0); // epoch
        if (selector == 0x997db02d) return _total(counts, 77700, 0, 0, 0, 0); // stakeAt
        if (selector == 0x276e0058) return _total(counts, 77700, 0, 0, 0, 0); // totalStakeAt
        if (selector == 0xe07d67fc) return _total(counts, 4200, 0, 0, 0, 0); // gasOf
        revert IPrecompileErrors.UnknownFunctionSelector(selector);
    }

    function policy(bytes4 selector, uint256[] calldata counts) internal pure returns (uint256) {
        if (selector == 0x75a088a8) return _total(counts, 458531, 0, 0, 0, 0); // publish
        if (selector == 0x9d888e86) return _total(counts, 4260, 0, 0, 0, 0); // currentVersion
        if (selector == 0xc6ceb96b) return _total(counts, 82020, 0, 0, 0, 0); // getParameters
        if (selector == 0xd33219b4) return _total(counts, 4260, 0, 0, 0, 0); // timelock
        if (selector == 0x4d525db0) return _total(counts, 43051, 0, 0, 0, 0); // scheduleFork
        if (selector == 0xf7e40861) return _total(counts, 22675, 0, 0, 0, 0); // cancelFork
        if (selector == 0x2c967077) return _total(counts, 4260, 0, 0, 0, 0); // forkCount
        if (selector == 0x44c8946e) return _total(counts, 8580, 0, 0, 0, 0); // getFork
        if (selector == 0xe07d67fc) return _total(counts, 4200, 0, 0, 0, 0); // gasOf
        revert IPrecompileErrors.UnknownFunctionSelector(selector);
    }

    function precompileRegistry(bytes4 selector, uint256[] calldata counts) internal pure returns (uint256) {
        if (selector == 0x9f8a13d7) return _total(counts, 4260, 0, 0, 0, 0); // isActive
        if (selector == 0x767cb5bf) return _total(counts, 4260, 0, 0, 0, 0); // version
        if (selector == 0x01ffc9a7) return _total(counts, 2100, 0, 0, 0, 0); // supportsInterface
        if (selector == 0xe07d67fc) return _total(counts, 4200, 0, 0, 0, 0); // gasOf
        revert IPrecompileErrors.UnknownFunctionSelector(selector);
    }

    function _total(
        uint256[] calldata counts,
        uint256 base,
        uint256 price1,
        uint256 price2,
        uint256 price3,
        uint256 price4
    ) private pure returns (uint256) {
        return base + _count(counts, 0) * INPUT_WORD + _count(counts, 1) * price1 + _count(counts, 2) * price2
            + _count(counts, 3) * price3 + _count(counts, 4) * price4;
    }

    function _count(uint256[] calldata counts, uint256 i) private pure returns (uint256) {
        if (i >= counts.length) return 0;
        return counts[i] < MAXIMUM_ELEMENTS ? counts[i] : MAXIMUM_ELEMENTS;
    }
}
