"""The chain's names of its errors, and the SDK's classes of them, as codes of our catalogue.

For `failures` alone.  Names are those of the runtime's own catalogue, which a test holds
against the SDK's.  Imports nothing.
"""

from __future__ import annotations

_ROWS: dict[str, tuple[str, ...]] = {
    "no_subnet": ("SubnetNotExists", "MechanismDoesNotExist"),
    "not_registered": (
        "HotKeyNotRegisteredInNetwork",
        "HotKeyNotRegisteredInSubNet",
        "HotKeyAccountNotExists",
    ),
    "already_registered": ("HotKeyAlreadyRegisteredInSubNet",),
    "registration_closed": ("SubNetRegistrationDisabled", "RegistrationNotPermittedOnRootSubnet"),
    "registration_full": (
        "TooManyRegistrationsThisBlock",
        "TooManyRegistrationsThisInterval",
    ),
    "no_slot": ("NoNeuronIdAvailable",),
    "price_above_limit": ("RegistrationPriceLimitExceeded",),
    "insufficient_balance": (
        "NotEnoughBalanceToStake",
        "InsufficientBalance",
        "FundsUnavailable",
        "ExistentialDeposit",
        "Expendability",
    ),
    "fee_unpaid": ("Payment",),
    "coldkey_frozen": ("ColdkeySwapAnnounced", "ColdkeySwapDisputed"),
    "serving_rate_limited": ("ServingRateLimitExceeded",),
    "weights_rate_limited": ("SettingWeightsTooFast", "CommittingWeightsTooFast"),
    "bad_endpoint": ("InvalidIpAddress", "InvalidIpType", "InvalidPort"),
    "no_permit": ("NeuronNoValidatorPermit",),
    "too_little_stake": ("NotEnoughStakeToSetWeights", "StakeAmountTooLow"),
    "old_version_key": ("IncorrectWeightVersionKey",),
    "bad_weights": (
        "WeightVecNotEqualSize",
        "DuplicateUids",
        "UidVecContainInvalidOne",
        "WeightVecLengthIsLow",
        "UidsLengthExceedUidsInSubNet",
        "MaxWeightExceeded",
    ),
    "weights_way_changed": ("CommitRevealEnabled", "CommitRevealDisabled"),
    "bad_signature": ("BadProof",),
    "stale_nonce": ("Stale",),
    "nonce_ahead": ("Future",),
    "too_old": ("AncientBirthBlock",),
    "pool_full": ("ExhaustsResources",),
    "priority_too_low": ("PriorityTooLow",),
    "already_sent": ("AlreadyImported",),
}

BY_NAME = {name: code for code, names in _ROWS.items() for name in names}

# The SDK's ErrorCode: most have a row of the same name.
BY_CODE = {
    code: code
    for code in (
        "insufficient_balance",
        "insufficient_liquidity",
        "rate_limited",
        "not_registered",
        "not_authorized",
        "already_exists",
        "not_found",
        "subtoken_disabled",
        "disabled",
        "too_early",
        "expired",
        "limit_exceeded",
        "unit_mismatch",
        "invalid_argument",
        "policy_violation",
        "internal",
        "unknown",
    )
} | {"subnet_not_exists": "no_subnet"}
