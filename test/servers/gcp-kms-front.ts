/**
 * Ours: a gRPC front before the emulator of Cloud KMS. It passes every call on as it is, fills what the emulator lacks
 * (a wrap that does not authenticate is INVALID_ARGUMENT, and a version that is not enabled FAILED_PRECONDITION, in Cloud
 * KMS; both are internal errors in the emulator), counts, and
 * injects the faults that no emulator produces.
 */
import { protos } from '@google-cloud/kms';
import * as grpc from '@grpc/grpc-js';

const SERVICE = 'google.cloud.kms.v1.KeyManagementService';
const METHODS = [
  'Encrypt',
  'Decrypt',
  'GetCryptoKey',
  'GetCryptoKeyVersion',
  'ListCryptoKeyVersions',
  'CreateCryptoKeyVersion',
  'UpdateCryptoKeyVersion',
  'UpdateCryptoKeyPrimaryVersion',
] as const;

const { EncryptResponse, DecryptRequest, DecryptResponse, CryptoKeyVersion, GetCryptoKeyVersionRequest } =
  protos.google.cloud.kms.v1;

export const insecureCredentials = (): grpc.ChannelCredentials => grpc.credentials.createInsecure();

/** Codes of gRPC, by name. */
export const STATUS = grpc.status;

/** What happens instead of passing a call on; undefined passes it on. */
export type GcpFault = (call: string, pass: () => Promise<Buffer>) => Promise<Buffer> | undefined;

/** What the tests see and steer. */
export interface GcpFront {
  readonly endpoint: string;
  /** Names of the calls, in order, failed ones included. */
  readonly calls: string[];
  fault: GcpFault | undefined;
  count(call: string): number;
  stop(): void;
}

/** A failure with a status of gRPC. */
export function refuses(code: number, details: string): Promise<never> {
  return Promise.reject(Object.assign(new Error(details), { code, details }));
}

/** The answer to Encrypt, changed. */
export function changesEncrypt(answer: Buffer, fields: object): Buffer {
  return Buffer.from(EncryptResponse.encode(Object.assign(EncryptResponse.decode(answer), fields)).finish());
}

/** The answer to Decrypt, changed. */
export function changesDecrypt(answer: Buffer, fields: object): Buffer {
  return Buffer.from(DecryptResponse.encode(Object.assign(DecryptResponse.decode(answer), fields)).finish());
}

export const decodeEncrypt = (answer: Buffer): protos.google.cloud.kms.v1.EncryptResponse =>
  EncryptResponse.decode(answer);

const identity = (bytes: Buffer): Buffer => bytes;

export async function startGcpFront(upstream: string): Promise<GcpFront> {
  const client = new grpc.Client(upstream, grpc.credentials.createInsecure());
  const server = new grpc.Server();
  const calls: string[] = [];
  const front = { calls, fault: undefined as GcpFault | undefined };
  const forward = (call: string, request: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(`/${SERVICE}/${call}`, identity, identity, request, (error, answer) => {
        if (answer !== undefined) resolve(answer);
        else reject(error ?? new Error('no answer'));
      });
    });
  /** The version that made each ciphertext: the emulator does not tell a disabled version from a wrong key. */
  const made = new Map<string, string>();
  const stateOf = async (ciphertext: string): Promise<string> => {
    const name = made.get(ciphertext);
    if (name === undefined) return 'ENABLED';
    const request = Buffer.from(GetCryptoKeyVersionRequest.encode({ name }).finish());
    const { state } = CryptoKeyVersion.decode(await forward('GetCryptoKeyVersion', request));
    return CryptoKeyVersion.CryptoKeyVersionState[state as number] ?? 'ENABLED';
  };
  const pass = async (call: string, request: Buffer): Promise<Buffer> => {
    try {
      const answer = await forward(call, request);
      if (call === 'Encrypt') {
        const { name, ciphertext } = EncryptResponse.decode(answer);
        made.set(Buffer.from(ciphertext as Uint8Array).toString('hex'), name);
      }
      return answer;
    } catch (error) {
      const { code, details = '' } = error as { code?: number; details?: string };
      if (code !== grpc.status.INTERNAL) return refuses(code ?? grpc.status.UNKNOWN, details);
      if (call === 'Encrypt' && details.includes('not enabled'))
        return refuses(grpc.status.FAILED_PRECONDITION, details);
      if (call !== 'Decrypt') return refuses(code, details);
      const state = await stateOf(Buffer.from(DecryptRequest.decode(request).ciphertext as Uint8Array).toString('hex'));
      if (state === 'ENABLED') return refuses(grpc.status.INVALID_ARGUMENT, 'Decryption failed');
      return refuses(grpc.status.FAILED_PRECONDITION, `the version is not enabled, current state is: ${state}`);
    }
  };
  server.addService(
    Object.fromEntries(
      METHODS.map((name) => [
        name,
        {
          path: `/${SERVICE}/${name}`,
          requestStream: false,
          responseStream: false,
          requestSerialize: identity,
          requestDeserialize: identity,
          responseSerialize: identity,
          responseDeserialize: identity,
        },
      ]),
    ),
    Object.fromEntries(
      METHODS.map((name) => [
        name,
        (call: { readonly request: Buffer }, answer: (error: object | null, response?: Buffer) => void) => {
          calls.push(name);
          const passing = (): Promise<Buffer> => pass(name, call.request);
          (front.fault?.(name, passing) ?? passing()).then(
            (response) => answer(null, response),
            (error: unknown) => answer(error as object),
          );
        },
      ]),
    ),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return Object.assign(front, {
    endpoint: `http://127.0.0.1:${String(port)}`,
    count: (call: string) => calls.filter((one) => one === call).length,
    stop() {
      server.forceShutdown();
      client.close();
    },
  });
}
