export { ERROR_CODES, type CodeFacts, type ErrorCode } from './codes.ts';
export { refuseUnknownOptions } from './options.ts';
export { fromSystemError, systemCode } from './system.ts';
export { isWaxsealError, WaxsealError, type WaxsealErrorDetails } from './waxseal-error.ts';
