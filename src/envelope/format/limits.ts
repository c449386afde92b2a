/** Numbers of SPEC section "Limits". Everything read from an object is bounded by these before it is allocated. */
export const FORMAT_VERSION = 1;
export const LAYOUT = Object.freeze({ attached: 1, compact: 2, detached: 3 });
export const OBJECT_TYPE = Object.freeze({ data: 1, treeRoot: 2, secrets: 3 });
export const SUITE_FLOE_AES256GCM_SHA384 = 1;

export const PAGE = 4096;
export const PRELUDE_LENGTH = 32;
export const HASH_LENGTH = 32;
export const ID_LENGTH = 16;
export const SLOT_HEADER_LENGTH = 64;
export const FLOE_HEADER_LENGTH = 74;

export const MAX_CORE = 16 * 1024;
export const MAX_META = 4 * 1024;
export const MAX_CONTEXT = 4 * 1024;
export const MAX_SLOT = 64 * 1024;
/** A recipient list, in every layout: what the largest slot holds, so that every object converts to every layout. */
export const MAX_LIST = MAX_SLOT - SLOT_HEADER_LENGTH;
export const MAX_GENERATION = 2 ** 48;
export const MAX_RECIPIENTS = 32;
/** Of one quorum. */
export const MAX_CUSTODIANS = 16;
export const MAX_VERSION_BYTES = 256;
export const MAX_WRAP = 2 * 1024;
export const MAX_UNWRAPS_PER_KEY = 4;
export const MIN_SEGMENT = 4 * 1024;
export const MAX_SEGMENT = 4 * 1024 * 1024;
/** Where a second head can begin at the latest (SPEC section "Attached, rewritable"). */
export const MAX_HEAD1_OFFSET = 192 * 1024;
/** Everything before the first segment lies in this many bytes, at most. */
export const MAX_PREFIX = 176 * 1024;
/** 9999-12-31T23:59:59Z, the last second that a Date and a calendar agree on. */
export const MAX_SECONDS = 253_402_300_799;
export const DEFAULT_SEGMENT = 256 * 1024;
