"""Events and errors of the InferenceMetering precompile."""

from precompiles.contract import Error, Event

CHANNEL_OPENED = Event(
    "event ChannelOpened(bytes32 indexed channelId, address indexed payer, address indexed provider, "
    "uint256 modelId, address voucherKey, uint256 deposit)"
)
CHANNEL_TOPPED_UP = Event("event ChannelToppedUp(bytes32 indexed channelId, uint256 amount, uint256 deposit)")
SETTLED = Event(
    "event Settled(bytes32 indexed channelId, uint256 indexed settlementId, uint256 indexed modelId, "
    "uint256 receipts, uint256 gross, uint256 platform, uint256 provider, uint256 owner, uint256 stakers, "
    "uint256 pool, bytes32 receiptsRoot, bytes32 queriesRoot, string uri)"
)
CLOSE_REQUESTED = Event("event CloseRequested(bytes32 indexed channelId, uint256 closableAt)")
CHANNEL_WITHDRAWN = Event("event ChannelWithdrawn(bytes32 indexed channelId, uint256 amount)")
EARNINGS_WITHDRAWN = Event(
    "event EarningsWithdrawn(address indexed account, address indexed recipient, uint256 amount)"
)

CHANNEL_NOT_FOUND = Error("error ChannelNotFound(bytes32 channelId)")
SETTLEMENT_NOT_FOUND = Error("error SettlementNotFound(uint256 settlementId)")
NOT_PAYER = Error("error NotPayer(address caller)")
NOT_PROVIDER = Error("error NotProvider(address caller)")
MODEL_NOT_SERVABLE = Error("error ModelNotServable(uint256 modelId)")
PROVIDER_NOT_STAKED = Error("error ProviderNotStaked(address provider)")
INVALID_SIGNATURE = Error("error InvalidSignature()")
STALE_VOUCHER = Error("error StaleVoucher(uint256 settledReceipts)")
WRONG_RECEIPTS_ROOT = Error("error WrongReceiptsRoot()")
FEE_ABOVE_VOUCHER = Error("error FeeAboveVoucher(uint256 fee, uint256 cumulativeFee)")
FEE_ABOVE_DEPOSIT = Error("error FeeAboveDeposit(uint256 fee, uint256 deposit)")
TOO_EARLY = Error("error TooEarly(uint256 earliest)")
NOTHING_TO_WITHDRAW = Error("error NothingToWithdraw()")
