/**
 * Keys of the Transit engine of HashiCorp Vault and OpenBao, over HTTP; no package is needed.
 *
 * @packageDocumentation
 */
export { parseTransitUri, type TransitUri } from './key-uri.ts';
export { VaultTransitKey } from './key.ts';
export type { VaultTransitOptions } from './options.ts';
export { vaultTransit } from './vault-transit.ts';
