/** What environment, answers and retries must not bring about with a remote key. Servers of ours, for faults alone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { KMSClient } from '@aws-sdk/client-kms';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { awsKms } from '../../providers/aws-kms/index.ts';
import { gcpKms } from '../../providers/gcp-kms/index.ts';
import { vaultTransit } from '../../providers/vault-transit/index.ts';
import { Edge, networkTrouble, requireEndpoint } from '../../src/keys/remote/index.ts';
import { containing } from '../support/matching.ts';
import { CREDENTIALS } from './aws-kms/support.ts';

const ARN = 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000';
const REPLICA = 'arn:aws:kms:eu-west-1:111122223333:key/mrk-00000000000000000000000000000000';
const MRK = 'arn:aws:kms:us-east-1:111122223333:key/mrk-00000000000000000000000000000000';
const LIMITS = { maxAttempts: 3, attemptTimeoutMs: 500, deadlineMs: 3_000 };

/** What Transit says of a key that may be used. */
const DERIVED = {
  type: 'aes256-gcm96',
  derived: true,
  latest_version: 1,
  min_decryption_version: 1,
  min_encryption_version: 0,
  keys: { 1: 1_700_000_000 },
};

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(answer: Answer): Promise<{ endpoint: string; requests: string[] }> {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(
      String(request.headers['x-amz-target'] ?? request.url)
        .split('.')
        .at(-1) ?? '',
    );
    request.resume().once('end', () => {
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, requests };
}

const says = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

async function withEnvironment<T>(name: string, value: string, work: () => Promise<T>): Promise<T> {
  vi.stubEnv(name, value);
  try {
    return await work();
  } finally {
    vi.unstubAllEnvs();
  }
}

describe('what the environment cannot do', () => {
  it.each([
    ['AWS KMS', () => awsKms({ key: ARN })],
    ['Google Cloud KMS', () => gcpKms({ key: 'projects/p/locations/l/keyRings/r/cryptoKeys/k' })],
    ['Transit', () => vaultTransit({ key: 'k', address: 'https://vault.example', token: 't', assumeDerived: true })],
  ])('switch certificate checks off: %s', async (_name, make) => {
    await withEnvironment('NODE_TLS_REJECT_UNAUTHORIZED', '0', () =>
      expect(make()).rejects.toMatchObject({ code: 'ERR_CONFIG', next: containing('unset it') }),
    );
  });

  it.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_KMS'])('send a data key over plain http by %s', async (name) => {
    await withEnvironment(name, 'http://192.0.2.1:9', async () => {
      const key = await awsKms({ key: ARN, credentials: CREDENTIALS, ...LIMITS });
      await expect(key.wrap(new Uint8Array(32), new Uint8Array(32))).rejects.toMatchObject({
        code: 'ERR_CONFIG',
        message: containing('is plain http'),
      });
      key.close();
    });
  });

  it('have a password of an address told', () => {
    for (const address of [
      'https://user:hunter2@vault:99999',
      'user:hunter2@vault:8200',
      'https://user:hunter2@vault',
    ]) {
      try {
        requireEndpoint(address, 'the address');
        expect.unreachable();
      } catch (error) {
        const { message, object, cause } = error as { message: string; object: string; cause?: unknown };
        expect(`${message} ${object} ${String(cause)}`).not.toContain('hunter2');
      }
    }
  });
});

describe('a rotation is not done twice', () => {
  it('by a client of the caller, which repeats by itself: refused', async () => {
    const client = new KMSClient({ region: 'us-east-1', credentials: CREDENTIALS });
    await expect(awsKms({ key: ARN, client })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      next: containing('maxAttempts: 1'),
    });
    client.destroy();
  });

  it('when its answer did not come: told as unknown, not as one to run again', async () => {
    const { endpoint, requests } = await serve(({ headers }, response) => {
      const target = String(headers['x-amz-target']);
      if (target.endsWith('RotateKeyOnDemand')) response.destroy();
      else if (target.endsWith('DescribeKey'))
        says(response, 200, { KeyMetadata: { Arn: ARN, KeyState: 'Enabled', CurrentKeyMaterialId: 'm1' } });
      else says(response, 200, { Rotations: [] });
    });
    const client = new KMSClient({ endpoint, region: 'us-east-1', credentials: CREDENTIALS, maxAttempts: 1 });
    const key = await awsKms({ key: ARN, client, ...LIMITS });
    await expect(key.rotate()).rejects.toMatchObject({
      retryable: false,
      message: containing('is not known'),
      next: containing('look with waxseal key show before you do it again'),
    });
    expect(requests.filter((one) => one === 'RotateKeyOnDemand')).toHaveLength(1);
    client.destroy();
  });

  it('when it was done and then could not be read (AWS KMS, Transit)', async () => {
    let rotated = false;
    const aws = await serve(({ headers }, response) => {
      const target = String(headers['x-amz-target']);
      if (target.endsWith('RotateKeyOnDemand')) {
        rotated = true;
        says(response, 200, { KeyId: ARN });
      } else if (rotated) says(response, 500, { __type: 'KMSInternalException' });
      else if (target.endsWith('DescribeKey'))
        says(response, 200, { KeyMetadata: { Arn: ARN, KeyState: 'Enabled', CurrentKeyMaterialId: 'm1' } });
      else says(response, 200, { Rotations: [] });
    });
    let turned = false;
    const transit = await serve(({ method }, response) => {
      if (method === 'POST') {
        turned = true;
        response.writeHead(204).end();
      } else if (turned) says(response, 500, { errors: ['internal error'] });
      else says(response, 200, { data: DERIVED });
    });
    const keys = [
      await awsKms({ key: ARN, endpoint: aws.endpoint, credentials: CREDENTIALS, ...LIMITS }),
      await vaultTransit({ key: 'k', address: transit.endpoint, token: 't', ...LIMITS }),
    ];
    for (const key of keys) {
      await expect(key.rotate()).rejects.toMatchObject({
        retryable: false,
        message: containing('was rotated, but'),
        next: containing('do not rotate again'),
      });
      key.close();
    }
  });

  it('when a connection that stood broke off with a code of the way', async () => {
    const broken = (syscall: string): Error => Object.assign(new Error(syscall), { code: 'EHOSTUNREACH', syscall });
    expect(networkTrouble(broken('read'), 'key:')).toMatchObject({ untouched: false });
    expect(networkTrouble(broken('connect'), 'key:')).toMatchObject({ untouched: true });
    let attempts = 0;
    const edge = new Edge('key:', LIMITS, (error) => networkTrouble(error, 'key:') ?? expect.unreachable());
    const call = edge.call({ name: 'rotate', once: true }, () => {
      attempts += 1;
      return Promise.reject(broken('read'));
    });
    await expect(call).rejects.toMatchObject({ retryable: false });
    expect(attempts).toBe(1);
  });
});

describe('what an answer cannot do', () => {
  it('make another key of the one that was asked for', async () => {
    const foreign = 'arn:aws:kms:us-west-2:999999999999:key/eeeeeeee-0000-4000-8000-000000000000';
    const { endpoint } = await serve((_request, response) => {
      says(response, 200, { KeyMetadata: { Arn: foreign, KeyUsage: 'ENCRYPT_DECRYPT', KeySpec: 'SYMMETRIC_DEFAULT' } });
    });
    const options = { endpoint, region: 'us-east-1', credentials: CREDENTIALS, ...LIMITS };
    for (const key of ['00000000-0000-4000-8000-000000000000', 'arn:aws:kms:us-east-1:111122223333:alias/models']) {
      await expect(awsKms({ key, ...options })).rejects.toMatchObject({ code: 'ERR_PROVIDER_RESPONSE' });
    }
    const byName = await awsKms({ key: 'alias/models', ...options });
    expect(byName.uri).toBe(`awskms:///${foreign}`);
    byName.close();
  });

  it('keep describe going for ever with pages that are empty', async () => {
    const { endpoint, requests } = await serve(({ headers }, response) => {
      if (String(headers['x-amz-target']).endsWith('DescribeKey'))
        says(response, 200, { KeyMetadata: { Arn: ARN, KeyState: 'Enabled' } });
      else says(response, 200, { Rotations: [], Truncated: true, NextMarker: 'again' });
    });
    const key = await awsKms({ key: ARN, endpoint, credentials: CREDENTIALS, ...LIMITS });
    await key.describe();
    expect(requests.length).toBeLessThanOrEqual(201);
    key.close();
  });

  it('leave a data key in the cause of an error', async () => {
    const secret = 'c2VjcmV0IGRhdGEga2V5IG9mIHRoZSB0ZXN0ISEhISE=';
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (request: Buffer) => {
        const body = JSON.stringify({ data: DERIVED });
        const good = `HTTP/1.1 200 OK\r\ncontent-length: ${String(body.length)}\r\nconnection: close\r\n\r\n${body}`;
        const bad = `HTTP/1.1 200 OK\r\nbad header\x01: x\r\n\r\n{"data":{"plaintext":"${secret}"}}`;
        socket.end(request.toString().includes('/decrypt/') ? bad : good);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(() => void server.close());
    const address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const key = await vaultTransit({ key: 'k', address, token: 't', ...LIMITS, batch: 1 });
    const wrapped = {
      uri: key.uri,
      version: '1',
      algorithm: 4,
      wrap: new TextEncoder().encode(`vault:v1:${'A'.repeat(80)}`),
    };
    const error: unknown = await key.unwrap(wrapped, new Uint8Array(32)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_PROVIDER_RESPONSE' });
    const { inspect } = await import('node:util');
    expect(inspect(error, { depth: 10, maxArrayLength: null, showHidden: true })).not.toContain('rawPacket');
    key.close();
  });
});

describe('what else is as it is said', () => {
  it('allowedKeys holds for replicas, too', async () => {
    const options = { key: MRK, multiRegion: true, credentials: CREDENTIALS };
    const narrow = await awsKms({ ...options, allowedKeys: [MRK] });
    const wide = await awsKms({ ...options, allowedKeys: [MRK, REPLICA] });
    expect([narrow, wide].map((key) => key.accepts(`awskms:///${REPLICA}`))).toEqual([false, true]);
    narrow.close();
    wide.close();
  });

  it('raiseMinimumVersion raises, and takes plain numbers alone', async () => {
    const keys = Object.fromEntries([1, 2, 3, 4].map((n) => [String(n), 1_700_000_000 + n]));
    const data = {
      type: 'aes256-gcm96',
      derived: true,
      latest_version: 4,
      min_decryption_version: 3,
      min_encryption_version: 0,
      keys,
    };
    const { endpoint, requests } = await serve(({ method }, response) => {
      if (method === 'GET') says(response, 200, { data });
      else says(response, 200, {});
    });
    const key = await vaultTransit({ key: 'k', address: endpoint, token: 't', ...LIMITS });
    await expect(key.raiseMinimumVersion('1')).rejects.toThrow(/would bring others back/);
    for (const junk of ['0x10', '0', '', '1e1'])
      await expect(key.raiseMinimumVersion(junk)).rejects.toBeInstanceOf(RangeError);
    expect(requests.filter((path) => path.endsWith('/config'))).toEqual([]);
    await key.raiseMinimumVersion('4');
    expect(requests.filter((path) => path.endsWith('/config'))).toHaveLength(1);
    key.close();
  });
});
