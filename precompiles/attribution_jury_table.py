"""The methods, events and errors of Attribution that are about drawn juries."""

from precompiles import attribution_interface as interface
from precompiles.attribution_audits import (
    audit_fund,
    audit_of,
    fund_audits,
    open_audit,
    release_settlement,
)
from precompiles.attribution_interface import STRUCTS
from precompiles.attribution_juries import close_jury_case, commit_verdict, draw_jury, reveal_verdict
from precompiles.attribution_jurors import (
    claim_juror_pay,
    coordinates_of,
    get_juror,
    get_jury_case,
    get_jury_draw,
    jury_case_count,
    punish_absence,
    seats_of,
    validator_slashed_of,
)
from precompiles.attribution_jury_cases import open_preconditioner_case, open_row_case
from precompiles.attribution_query_cases import open_query_case, show_query, shown_of
from precompiles.contract import Method

METHODS = (
    Method(
        "function openRowCase(uint256 indexId, bytes32 salt, RowLeaf row) returns (uint256 caseId)",
        open_row_case,
        STRUCTS,
    ),
    Method(
        "function openPreconditionerCase(uint256 indexId, bytes32 salt) returns (uint256 caseId)",
        open_preconditioner_case,
    ),
    Method("function showQuery(bytes32[] chunks, bytes part)", show_query),
    Method("function shownOf(bytes32 queryRoot) view returns (uint256 coordinates)", shown_of),
    Method(
        "function openQueryCase(uint256 postId, bytes32 salt, BatchClaim[] batches, uint256 batch, "
        "QueryLeaf leaf, ReceiptEvidence receipt, ShownAnswer shown) returns (uint256 caseId)",
        open_query_case,
        STRUCTS,
    ),
    Method(
        "function openAudit(uint256 postId, uint256 contributorIndex, address contributor, SumLeaf amount, "
        "WideSum sum) payable returns (uint256 caseId)",
        open_audit,
        STRUCTS,
    ),
    Method("function auditOf(uint256 postId) view returns (bool isDrawn, uint256 place)", audit_of),
    Method("function fundAudits() payable", fund_audits),
    Method("function auditFund() view returns (uint256)", audit_fund),
    Method("function releaseSettlement(uint256 settlementId)", release_settlement),
    Method("function drawJury(uint256 caseId)", draw_jury),
    Method("function commitVerdict(uint256 caseId, bytes32 commitment)", commit_verdict),
    Method(
        "function revealVerdict(uint256 caseId, uint256 verdict, bytes values, bytes32 salt)",
        reveal_verdict,
    ),
    Method("function closeJuryCase(uint256 caseId)", close_jury_case),
    Method("function claimJurorPay(uint256 caseId) returns (uint256 amount)", claim_juror_pay),
    Method("function punishAbsence(uint256 caseId, uint256 round, address account)", punish_absence),
    Method(
        "function seatsOf(uint256 caseId, uint256 round, address account) view returns (uint256)", seats_of
    ),
    Method("function coordinatesOf(uint256 caseId) view returns (uint256[])", coordinates_of),
    Method("function getJuryCase(uint256 caseId) view returns (JuryCase)", get_jury_case, STRUCTS),
    Method(
        "function getJuryDraw(uint256 caseId, uint256 round) view returns (JuryDraw)",
        get_jury_draw,
        STRUCTS,
    ),
    Method(
        "function getJuror(uint256 caseId, uint256 round, address account) view returns (Juror)",
        get_juror,
        STRUCTS,
    ),
    Method("function juryCaseCount() view returns (uint256)", jury_case_count),
    Method("function validatorSlashedOf(address account) view returns (uint256)", validator_slashed_of),
)
EVENTS = (
    interface.JURY_CASE_OPENED,
    interface.QUERY_SHOWN,
    interface.ANSWER_SHOWN,
    interface.JURY_DRAWN,
    interface.JURY_REDRAWN,
    interface.VERDICT_COMMITTED,
    interface.VERDICT_REVEALED,
    interface.JURY_CASE_CLOSED,
    interface.JUROR_PAID,
    interface.ABSENCE_PUNISHED,
    interface.SETTLEMENT_RELEASED,
)
ERRORS = (
    interface.JURY_CASE_NOT_FOUND,
    interface.JURY_NOT_DRAWN,
    interface.NOT_AUDITED,
    interface.NO_JURORS,
)
