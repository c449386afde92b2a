/**
 * A front of ours before an emulator of AWS KMS. It speaks the real protocol and passes everything on; it adds what the
 * emulator (moto 5.2) lacks and AWS has (providers/README.md lists it under "Gaps of the emulators"):
 *
 * - the ids of key material (KeyMaterialId and its relatives), which a rotation changes;
 * - IncorrectKeyException, where a ciphertext is not of the key that the request names;
 * - DisabledException and KMSInvalidStateException for keys in other states.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request or an answer of KMS. */
export type KmsBody = Record<string, unknown>;

export interface KmsFront {
  readonly endpoint: string;
  /** Calls that came in, by name. */
  readonly calls: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

interface Material {
  readonly id: string;
  readonly rotated: number | undefined;
}

interface Wrapped {
  readonly arn: string;
  readonly material: string;
}

const CRYPTO = new Set(['Encrypt', 'Decrypt', 'ReEncrypt', 'GenerateDataKey']);
const INCORRECT = {
  __type: 'IncorrectKeyException',
  message: 'The key ID in the request does not identify a CMK that can perform this operation.',
};

export async function startKmsFront(upstream: string): Promise<KmsFront> {
  const calls = new Map<string, number>();
  const front = new Front(upstream);
  const server = createServer((request, response) => {
    const name = String(request.headers['x-amz-target'] ?? '').replace('TrentService.', '');
    calls.set(name, (calls.get(name) ?? 0) + 1);
    front.handle(name, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${String(port)}`,
    calls,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

class Front {
  readonly #upstream: URL;
  readonly #materials = new Map<string, Material[]>();
  readonly #wraps = new Map<string, Wrapped>();
  readonly #states = new Map<string, 'Disabled' | 'PendingDeletion'>();

  constructor(upstream: string) {
    this.#upstream = new URL(upstream);
  }

  async handle(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await collect(request);
    const input = json(body);
    const refused = CRYPTO.has(name) ? this.#state(input) : undefined;
    if (refused !== undefined) return void answer(response, 400, refused);
    const { status, headers, bytes } = await this.#pass(request, body);
    if (name === '') {
      response.writeHead(status, headers).end(bytes);
      return;
    }
    const output = json(bytes);
    if (status === 200) {
      const amended = this.#amend(name, input, output);
      return amended === undefined ? void answer(response, 400, INCORRECT) : void answer(response, 200, amended);
    }
    const foreign = (name === 'Decrypt' || name === 'ReEncrypt') && output['__type'] === 'AccessDeniedException';
    return void answer(
      response,
      status,
      foreign && !('Message' in output) && !('message' in output) ? INCORRECT : output,
    );
  }

  #state(input: KmsBody): KmsBody | undefined {
    for (const key of [input['KeyId'], input['SourceKeyId'], input['DestinationKeyId']]) {
      const state = this.#states.get(keyId(key));
      if (state === 'Disabled') return { __type: 'DisabledException', message: `${String(key)} is disabled.` };
      if (state !== undefined)
        return { __type: 'KMSInvalidStateException', message: `${String(key)} is pending deletion.` };
    }
    return undefined;
  }

  /** The answer with what the emulator left out; undefined where AWS would have refused. */
  #amend(name: string, input: KmsBody, output: KmsBody): KmsBody | undefined {
    const arn = typeof output['KeyId'] === 'string' ? output['KeyId'] : '';
    switch (name) {
      case 'Encrypt':
        this.#record(output['CiphertextBlob'], arn);
        return output;
      case 'GenerateDataKey':
        return { ...output, KeyMaterialId: this.#record(output['CiphertextBlob'], arn) };
      case 'Decrypt': {
        const wrapped = this.#wraps.get(digest(input['CiphertextBlob']));
        return { ...output, KeyMaterialId: wrapped?.material ?? this.#of(arn)[0]?.id };
      }
      case 'ReEncrypt': {
        const source = String(output['SourceKeyId']);
        if (input['SourceKeyId'] !== undefined && keyId(input['SourceKeyId']) !== keyId(source)) return undefined;
        const from = this.#wraps.get(digest(input['CiphertextBlob']));
        const to = this.#record(output['CiphertextBlob'], arn);
        const SourceKeyMaterialId = from?.material ?? this.#of(source)[0]?.id;
        return { ...output, SourceKeyMaterialId, DestinationKeyMaterialId: to };
      }
      case 'RotateKeyOnDemand':
        this.#of(String(input['KeyId'])).push({ id: materialId(), rotated: Date.now() / 1000 });
        return output;
      case 'DescribeKey': {
        const metadata = output['KeyMetadata'] as KmsBody;
        const state = this.#states.get(keyId(metadata['Arn']));
        const CurrentKeyMaterialId = this.#of(String(metadata['Arn'])).at(-1)?.id;
        const KeyState = state ?? metadata['KeyState'];
        return { KeyMetadata: { ...metadata, KeyState, CurrentKeyMaterialId } };
      }
      case 'ListKeyRotations': {
        const all = this.#of(String(input['KeyId']));
        const listed = input['IncludeKeyMaterial'] === 'ALL_KEY_MATERIAL' ? all : all.slice(1);
        const Rotations = listed.map((material) => ({
          KeyId: input['KeyId'],
          KeyMaterialId: material.id,
          KeyMaterialState: material === all.at(-1) ? 'CURRENT' : 'NON_CURRENT',
          ...(material.rotated === undefined ? {} : { RotationDate: material.rotated, RotationType: 'ON_DEMAND' }),
        }));
        return { Rotations, Truncated: false };
      }
      case 'DisableKey':
        this.#states.set(keyId(input['KeyId']), 'Disabled');
        return output;
      case 'ScheduleKeyDeletion':
        this.#states.set(keyId(input['KeyId']), 'PendingDeletion');
        return output;
      case 'EnableKey':
      case 'CancelKeyDeletion':
        this.#states.delete(keyId(input['KeyId']));
        return output;
      default:
        return output;
    }
  }

  /** Remembers under which material a ciphertext was made. */
  #record(blob: unknown, arn: string): string {
    const material = this.#of(arn).at(-1)?.id ?? '';
    this.#wraps.set(digest(blob), { arn, material });
    return material;
  }

  #of(key: string): Material[] {
    let materials = this.#materials.get(keyId(key));
    if (materials === undefined) {
      materials = [{ id: materialId(), rotated: undefined }];
      this.#materials.set(keyId(key), materials);
    }
    return materials;
  }

  #pass(
    request: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: IncomingMessage['headers']; bytes: Buffer }> {
    const { hostname, port } = this.#upstream;
    const { method, url, headers } = request;
    return new Promise((resolve, reject) => {
      const out = send({ hostname, port, method, path: url, headers }, (answered) => {
        collect(answered).then((bytes) => {
          resolve({ status: answered.statusCode ?? 502, headers: answered.headers, bytes });
        }, reject);
      });
      out.on('error', reject);
      out.end(body);
    });
  }
}

/** The part of a key id or ARN that both have. */
const keyId = (key: unknown): string => String(key).split('/').at(-1) ?? '';
const materialId = (): string => randomBytes(32).toString('hex');
const digest = (blob: unknown): string => createHash('sha256').update(String(blob)).digest('base64');

function json(bytes: Buffer): KmsBody {
  try {
    return (JSON.parse(bytes.toString()) ?? {}) as KmsBody;
  } catch {
    return {};
  }
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function answer(response: ServerResponse, status: number, body: KmsBody): void {
  const type = { 'content-type': 'application/x-amz-json-1.1' };
  if (status !== 200 && typeof body['__type'] === 'string') {
    response.setHeader('x-amzn-errortype', body['__type']);
  }
  response.writeHead(status, type).end(JSON.stringify(body));
}
