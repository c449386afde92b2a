/** The pool of sessions, with a token that misbehaves. */
import { describe, expect, it } from 'vitest';
import type { GrapheneSession, GrapheneSlot } from '../../../providers/pkcs11/worker/graphene.ts';
import { Sessions } from '../../../providers/pkcs11/worker/sessions.ts';
import { Gate } from '../../../providers/pkcs11/gate.ts';
import { takeGcmWrap } from '../../../providers/pkcs11/gcm-limit.ts';

/** As pkcs11js gives it. */
const failed = (name: string) => Object.assign(new TypeError(`${name}:1`), { method: 'C_Test' });

/** A slot whose sessions do nothing; `login` and `open` may throw. */
function slot(behaviour: { login?: () => void; open?: () => void } = {}) {
  const counts = { opened: 0, closed: 0, logins: 0 };
  const open = () => {
    behaviour.open?.();
    counts.opened += 1;
    return {
      login: () => {
        counts.logins += 1;
        behaviour.login?.();
      },
      close: () => {
        counts.closed += 1;
      },
    } as unknown as GrapheneSession;
  };
  return { counts, slot: { open } as unknown as GrapheneSlot };
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 1));

describe('sessions with a token', () => {
  it('are at most so many, and serve one call at a time', async () => {
    const { counts, slot: one } = slot();
    const sessions = new Sessions(one, 'pin', 3);
    const busy = new Set<GrapheneSession>();
    let most = 0;
    await Promise.all(
      Array.from({ length: 50 }, () =>
        sessions.use(async (session) => {
          expect(busy.has(session)).toBe(false);
          busy.add(session);
          most = Math.max(most, busy.size);
          await tick();
          busy.delete(session);
        }),
      ),
    );
    expect({ most, opened: counts.opened }).toEqual({ most: 3, opened: 3 });
    sessions.close();
    expect(counts.closed).toBe(3);
  });

  it('never try a PIN again that the token did not take', async () => {
    const { counts, slot: one } = slot({
      login: () => {
        throw failed('CKR_PIN_INCORRECT');
      },
    });
    const sessions = new Sessions(one, 'pin', 4);
    expect(() => sessions.login()).toThrow('CKR_PIN_INCORRECT');
    for (let i = 0; i < 5; i += 1) {
      await expect(sessions.use(() => 1)).rejects.toMatchObject({ kind: 'PIN' });
    }
    expect(counts.logins).toBe(1);
    expect(counts.closed).toBe(counts.opened);
  });

  it('never try a PIN again that was changed while the token was in use', async () => {
    let good = true;
    const { counts, slot: one } = slot({
      login: () => {
        if (!good) throw failed('CKR_PIN_INCORRECT');
      },
    });
    const sessions = new Sessions(one, 'pin', 2);
    sessions.login();
    good = false;
    const lost = () => {
      throw failed('CKR_SESSION_HANDLE_INVALID');
    };
    const calls = await Promise.allSettled(Array.from({ length: 6 }, () => sessions.use(lost, () => true)));
    expect(calls.every(({ status }) => status === 'rejected')).toBe(true);
    expect(counts.logins).toBeLessThanOrEqual(3);
    const before = counts.logins;
    await expect(sessions.use(() => 1)).rejects.toMatchObject({ kind: 'PIN' });
    expect(counts.logins).toBe(before);
  });

  it('that were lost are replaced, and the work is done once more', async () => {
    const { counts, slot: one } = slot();
    const sessions = new Sessions(one, 'pin', 1);
    let tries = 0;
    const work = () => {
      tries += 1;
      if (tries === 1) throw failed('CKR_SESSION_HANDLE_INVALID');
      return 'done';
    };
    expect(await sessions.use(work, () => true)).toBe('done');
    expect(counts).toEqual({ opened: 2, closed: 1, logins: 2 });
    await expect(
      sessions.use(() => {
        throw failed('CKR_DEVICE_REMOVED');
      }),
    ).rejects.toThrow('CKR_DEVICE_REMOVED');
    expect(await sessions.use(() => 'again')).toBe('again');
  });

  it('wait for one another where the token has fewer', async () => {
    let open = 0;
    const { slot: one } = slot({
      open: () => {
        if ((open += 1) > 2) throw failed('CKR_SESSION_COUNT');
      },
    });
    const sessions = new Sessions(one, 'pin', 4);
    const done = await Promise.all(Array.from({ length: 10 }, (_, at) => sessions.use(() => tick().then(() => at))));
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('leave nobody waiting when none can be had', async () => {
    const { slot: one } = slot({
      open: () => {
        throw failed('CKR_DEVICE_ERROR');
      },
    });
    const sessions = new Sessions(one, 'pin', 2);
    const calls = await Promise.allSettled(Array.from({ length: 10 }, () => sessions.use(() => 1)));
    expect(calls.every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('are closed when they are given back', async () => {
    const { counts, slot: one } = slot();
    const sessions = new Sessions(one, 'pin', 1);
    const calls = Promise.allSettled([sessions.use(tick), sessions.use(() => 1)]);
    await Promise.resolve();
    sessions.close();
    expect(await calls).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { kind: 'RELEASED' } }]);
    expect(counts.closed).toBe(counts.opened);
    await expect(sessions.use(() => 1)).rejects.toMatchObject({ kind: 'RELEASED' });
  });
});

describe('the gate before a token', () => {
  it('lets so many in, and whoever gives up outside never enters', async () => {
    const gate = new Gate(1);
    const controller = new AbortController();
    const never = new AbortController().signal;
    let entered = 0;
    const first = gate.pass(never, tick);
    const second = gate.pass(controller.signal, async () => (entered += 1));
    controller.abort(new DOMException('stop', 'AbortError'));
    await expect(second).rejects.toThrow('stop');
    await first;
    expect(entered).toBe(0);
    expect(await gate.pass(never, async () => 'in')).toBe('in');
    await expect(gate.pass(controller.signal, async () => 'in')).rejects.toThrow('stop');
  });
});

describe('the limit of AES-GCM', () => {
  it('counts the wraps of each version, over all keys of the process', () => {
    expect([1, 2, 3].map(() => takeGcmWrap('a version', 2))).toEqual([true, true, false]);
    expect(takeGcmWrap('another version', 2)).toBe(true);
  });
});
