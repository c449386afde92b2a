/** `x25519:` keys: seal to a public key (HPKE), open with its private key. */
export { X25519Key, x25519KeyPair, X25519KeyPair } from './key-pair.ts';
export { x25519Recipient } from './recipient.ts';
