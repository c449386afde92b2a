/**
 * Keys of AWS KMS. Needs the optional peer `@aws-sdk/client-kms`, which is loaded when a key is made.
 *
 * @packageDocumentation
 */
export { awsKms } from './aws-kms.ts';
export { AwsKmsDiscovery, awsKmsDiscovery, type AwsKmsDiscoveryOptions } from './discovery.ts';
export { type AwsKmsUri, parseAwsKmsUri } from './key-uri.ts';
export { AwsKmsKey } from './key.ts';
export type { AwsConnection, AwsKmsOptions } from './options.ts';
