/** What the main thread and the worker that holds the PKCS#11 library say to each other. */

/** How a secret is wrapped. */
export type Mechanism = 'aes-gcm' | 'aes-kwp' | 'rsa-oaep';
/** The hash of OAEP, for its label and its mask. */
export type OaepHash = 'sha256' | 'sha1';

/** Which token, and who asks. */
export interface TokenQuery {
  readonly token?: string | undefined;
  readonly serial?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
  readonly slotId?: number | undefined;
  /** Empty where the token needs none. */
  readonly pin: string;
  /** Sessions at most. */
  readonly sessions: number;
}

/** What a token says about itself. */
export interface TokenFacts {
  /** For later requests. */
  readonly handle: number;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
}

/** Which keys of a token are versions of one key. */
export interface KeyQuery {
  readonly label: string;
  readonly kind: 'aes' | 'rsa';
  /** Only the version with this CKA_ID, in hexadecimal. */
  readonly id?: string | undefined;
}

/** One version of a key. */
export interface KeyRow {
  /** CKA_ID in hexadecimal. */
  readonly id: string;
  /** CKA_ENCRYPT and CKA_DECRYPT, CKA_WRAP and CKA_UNWRAP; for RSA of the public and the private half. */
  readonly encrypt: boolean;
  readonly decrypt: boolean;
  readonly wrap: boolean;
  readonly unwrap: boolean;
  /** Of RSA keys. */
  readonly bits: number | undefined;
}

/** A version, for a use of it. */
export interface VersionQuery extends KeyQuery {
  readonly id: string;
}

/** Requests, and what they give. Byte strings are moved, not copied: the sender has them no more. */
export interface Requests {
  open: { readonly args: TokenQuery; readonly gives: TokenFacts };
  release: { readonly args: { readonly token: number }; readonly gives: undefined };
  /** `fresh`: not from a listing of the last second. */
  list: {
    readonly args: { readonly token: number; readonly key: KeyQuery; readonly fresh: boolean };
    readonly gives: readonly KeyRow[];
  };
  gcm: {
    readonly args: {
      readonly token: number;
      readonly key: VersionQuery;
      readonly encrypt: boolean;
      readonly iv: Uint8Array;
      readonly aad: Uint8Array;
      readonly data: Uint8Array<ArrayBuffer>;
    };
    readonly gives: Uint8Array<ArrayBuffer>;
  };
  /** `secret` is wrapped; without it `wrap` is unwrapped; with `to` it is rewrapped and stays inside the token. */
  kwp: {
    readonly args: {
      readonly token: number;
      readonly key: VersionQuery;
      readonly secret?: Uint8Array<ArrayBuffer>;
      readonly wrap?: Uint8Array;
      readonly to?: VersionQuery;
    };
    readonly gives: Uint8Array<ArrayBuffer>;
  };
  publicKey: {
    readonly args: { readonly token: number; readonly key: VersionQuery };
    readonly gives: { readonly modulus: Uint8Array; readonly exponent: Uint8Array };
  };
  /** Decrypts `wrap`; with `to` it is rewrapped and stays inside the token. */
  oaep: {
    readonly args: {
      readonly token: number;
      readonly key: VersionQuery;
      readonly hash: OaepHash;
      readonly wrap: Uint8Array;
      readonly to?: VersionQuery;
    };
    readonly gives: Uint8Array<ArrayBuffer>;
  };
  generate: {
    readonly args: {
      readonly token: number;
      readonly key: VersionQuery;
      readonly mechanism: Mechanism;
      readonly bits: number;
    };
    readonly gives: undefined;
  };
  disable: { readonly args: { readonly token: number; readonly key: VersionQuery }; readonly gives: undefined };
}

/** Name of a request. */
export type RequestName = keyof Requests;

/** A request on its way. */
export interface RequestMessage<N extends RequestName = RequestName> {
  readonly id: number;
  readonly name: N;
  readonly args: Requests[N]['args'];
}

/** Why a request failed. */
export interface FailureMessage {
  /** Of the library: a CKR_… name; others are ours, and stand in the error table. */
  readonly kind: string;
  readonly message: string;
  /** The call of PKCS#11. */
  readonly call?: string | undefined;
}

/** The answer to a request. */
export type ResponseMessage =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failure: FailureMessage };

/** What the worker is started with. */
export interface WorkerStart {
  /** Path of the PKCS#11 module. */
  readonly library: string;
  readonly libraryParameters: string | undefined;
  /** Handles of tokens begin here. */
  readonly firstHandle: number;
}
