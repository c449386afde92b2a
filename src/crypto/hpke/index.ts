/** HPKE (RFC 9180) in base mode, one message per encapsulation: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
export { ENC_LENGTH } from './dhkem.ts';
export { type HpkeMessage, openBase, reopenBase, sealBase, TAG_LENGTH } from './single-shot.ts';
export { hasSmallOrder, isCanonicalPublicKey, X25519_LENGTH, x25519PublicKey } from './x25519.ts';
