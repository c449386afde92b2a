/**
 * What of `graphene-pk11` 2.3 is used. The package compiles when it is installed and is therefore no dependency of ours:
 * these are its types as far as we need them.
 */

/** A PKCS#11 attribute template, by graphene's names. */
export type Template = Readonly<Record<string, unknown>>;

export interface GrapheneObject {
  getAttribute(template: Template): Record<string, unknown>;
  setAttribute(template: Template): void;
  destroy(): void;
}

interface Collection<T> {
  readonly length: number;
  items(at: number): T;
}

type Callback<T> = (error: Error | null, value: T) => void;

interface Once<Data> {
  once(data: Data, room: Buffer, done: Callback<Buffer>): void;
}

/** A mechanism with its parameters. */
export interface MechanismWith {
  readonly name: number | string;
  readonly params: unknown;
}

export interface GrapheneSession {
  login(pin: string): void;
  close(): void;
  create(template: Template): GrapheneObject;
  find(template: Template): Collection<GrapheneObject>;
  createCipher(mechanism: MechanismWith, key: GrapheneObject): Once<ArrayBuffer>;
  createDecipher(mechanism: MechanismWith, key: GrapheneObject): Once<Buffer>;
  wrapKey(mechanism: MechanismWith, by: GrapheneObject, key: GrapheneObject, done: Callback<Buffer>): void;
  unwrapKey(
    mechanism: MechanismWith,
    by: GrapheneObject,
    wrapped: Buffer,
    template: Template,
    done: Callback<GrapheneObject>,
  ): void;
  generateKey(mechanism: number | string, template: Template, done: Callback<GrapheneObject>): void;
  generateKeyPair(mechanism: number | string, publicKey: Template, privateKey: Template, done: Callback<unknown>): void;
}

interface GrapheneToken {
  readonly label: string;
  readonly manufacturer?: string;
  readonly manufacturerID?: string;
  readonly model: string;
  readonly serialNumber: string;
}

export interface GrapheneSlot {
  readonly handle: Buffer;
  getToken(): GrapheneToken;
  getMechanisms(): Collection<{ readonly type: number }>;
  open(flags: number): GrapheneSession;
}

interface GrapheneModule {
  initialize(options?: { readonly libraryParameters?: string; readonly flags?: number }): void;
  finalize(): void;
  getSlots(withToken: boolean): Collection<GrapheneSlot>;
}

export interface Graphene {
  readonly Module: { load(path: string): GrapheneModule };
  readonly ObjectClass: Readonly<Record<'SECRET_KEY' | 'PUBLIC_KEY' | 'PRIVATE_KEY', number>>;
  readonly KeyType: Readonly<Record<'AES' | 'RSA' | 'GENERIC_SECRET', number>>;
  readonly KeyGenMechanism: Readonly<Record<'AES' | 'RSA', number>>;
  readonly MechanismEnum: Readonly<Record<'SHA1' | 'SHA256', number>>;
  readonly RsaMgf: Readonly<Record<'MGF1_SHA1' | 'MGF1_SHA256', number>>;
  readonly AesGcmParams: new (iv: Buffer, aad: Buffer, tagBits: number) => unknown;
  readonly RsaOaepParams: new (hash: number, mgf: number) => unknown;
}
