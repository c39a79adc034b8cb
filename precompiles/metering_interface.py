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
EARNINGS_RELEASED = Event(
    "event EarningsReleased(uint256 indexed settlementId, address indexed recipient, uint256 amount)"
)
POOL_PASSED = Event("event PoolPassed(bytes32 indexed channelId, uint256 indexed modelId, uint256 amount)")
RETRIEVAL_SETTLED = Event(
    "event RetrievalSettled(uint256 indexed retrievalId, uint256 indexed settlementId, "
    "uint256 indexed datanetId, uint256 version, uint256 contributors, bytes32 root, uint256 amount)"
)
RETRIEVAL_CLAIMED = Event(
    "event RetrievalClaimed(uint256 indexed retrievalId, address indexed contributor, "
    "uint256 contributorIndex, uint256 amount, bool held)"
)
PROVIDER_ANNOUNCED = Event(
    "event ProviderAnnounced(address indexed provider, string endpoint, bytes32 documentHash)"
)
OFFER_SET = Event("event OfferSet(address indexed provider, uint256 indexed modelId, bool offered)")
INFERENCE_REQUESTED = Event(
    "event InferenceRequested(uint256 indexed requestId, uint256 indexed modelId, address indexed provider, "
    "address requester, bytes32 promptHash, uint256 escrow, uint256 deadline, string uri)"
)
REQUEST_FULFILLED = Event(
    "event RequestFulfilled(uint256 indexed requestId, bytes32 outputHash, uint256 fee, uint256 payableAt, "
    "string uri)"
)
REQUEST_PAID = Event("event RequestPaid(uint256 indexed requestId, uint256 indexed settlementId)")
REQUEST_DISPUTED = Event("event RequestDisputed(uint256 indexed requestId, uint256 fee)")
REQUEST_REFUNDED = Event(
    "event RequestRefunded(uint256 indexed requestId, address indexed requester, uint256 amount)"
)
CALLBACK_DELIVERED = Event(
    "event CallbackDelivered(uint256 indexed requestId, address indexed deliverer, uint256 tip)"
)

CHANNEL_NOT_FOUND = Error("error ChannelNotFound(bytes32 channelId)")
SETTLEMENT_NOT_FOUND = Error("error SettlementNotFound(uint256 settlementId)")
SETTLEMENT_NOT_FINAL = Error("error SettlementNotFinal(uint256 settlementId)")
NOT_PAYER = Error("error NotPayer(address caller)")
NOT_PROVIDER = Error("error NotProvider(address caller)")
MODEL_NOT_SERVABLE = Error("error ModelNotServable(uint256 modelId)")
PROVIDER_NOT_STAKED = Error("error ProviderNotStaked(address provider)")
INVALID_SIGNATURE = Error("error InvalidSignature()")
STALE_VOUCHER = Error("error StaleVoucher(uint256 settledReceipts)")
WRONG_RECEIPTS_ROOT = Error("error WrongReceiptsRoot()")
FEE_ABOVE_VOUCHER = Error("error FeeAboveVoucher(uint256 fee, uint256 cumulativeFee)")
FEE_ABOVE_DEPOSIT = Error("error FeeAboveDeposit(uint256 fee, uint256 deposit)")
RETRIEVAL_NOT_FOUND = Error("error RetrievalNotFound(uint256 retrievalId)")
RETRIEVAL_NOT_ALLOWED = Error("error RetrievalNotAllowed(uint256 modelId, uint256 datanetId)")
RETRIEVAL_ABOVE_LIMIT = Error("error RetrievalAboveLimit(uint256 amount, uint256 limit)")
INVALID_PROOF = Error("error InvalidProof(string what)")
ALREADY_CLAIMED = Error("error AlreadyClaimed(uint256 retrievalId, uint256 contributorIndex)")
TOO_EARLY = Error("error TooEarly(uint256 earliest)")
NOTHING_TO_WITHDRAW = Error("error NothingToWithdraw()")
REQUEST_NOT_FOUND = Error("error RequestNotFound(uint256 requestId)")
WRONG_STATUS = Error("error WrongStatus(uint256 status)")
DEADLINE_PASSED = Error("error DeadlinePassed(uint256 deadline)")
NOT_CALLBACK_CALLER = Error("error NotCallbackCaller(address caller)")
