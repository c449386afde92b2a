/**
 * Keys of HSMs and tokens over PKCS#11. Needs the optional peer `graphene-pk11`, which is loaded in a thread of its own
 * when a key is opened.
 *
 * @packageDocumentation
 */
export { type Pkcs11Uri, parsePkcs11Uri } from './key-uri.ts';
export { Pkcs11Key } from './key.ts';
export type { Pkcs11Options } from './options.ts';
export { createPkcs11Key, type CreatePkcs11KeyOptions, pkcs11 } from './pkcs11.ts';
export type { Mechanism, OaepHash } from './protocol.ts';
