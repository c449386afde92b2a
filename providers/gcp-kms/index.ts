/**
 * Keys of Google Cloud KMS. Needs the optional peer `@google-cloud/kms`, which is loaded when a key is made.
 *
 * @packageDocumentation
 */
export { gcpKms } from './gcp-kms.ts';
export { GcpKmsKey, NOT_PRIMARY } from './key.ts';
export { type GcpKmsUri, parseGcpKmsUri } from './key-uri.ts';
export type { GcpCredentials, GcpKmsOptions } from './options.ts';
