import { Failure, failureOf, lostSession } from './failure.ts';
import type { GrapheneSession, GrapheneSlot } from './graphene.ts';

/** CKF_SERIAL_SESSION, CKF_RW_SESSION. */
const SERIAL = 4;
const READ_WRITE = 2;

interface Waiting {
  readonly resolve: (session: GrapheneSession) => void;
  readonly reject: (error: unknown) => void;
}

/** The sessions with a token, of which each serves one call at a time. */
export class Sessions {
  readonly #slot: GrapheneSlot;
  readonly #pin: string;
  readonly #free: GrapheneSession[] = [];
  readonly #waiting: Waiting[] = [];
  #most: number;
  #open = 0;
  #closed = false;
  #refused: Failure | undefined;

  constructor(slot: GrapheneSlot, pin: string, most: number) {
    this.#slot = slot;
    this.#pin = pin;
    this.#most = most;
  }

  /** Opens the first session and logs in. */
  login(): void {
    this.#free.push(this.#session());
  }

  /**
   * Lends a session. One that was lost is replaced by another.
   *
   * @param again whether the work is done once more after this error
   */
  async use<T>(
    work: (session: GrapheneSession) => T | Promise<T>,
    again: (error: unknown) => boolean = () => false,
  ): Promise<T> {
    const taken = await this.#take();
    let session = taken as GrapheneSession | undefined;
    try {
      try {
        return await work(taken);
      } catch (error) {
        if (lostSession(error)) {
          this.#drop(taken);
          session = undefined;
        }
        if (!again(error)) throw error;
        session ??= this.#session();
        return await work(session);
      }
    } finally {
      if (session === undefined) this.#serve();
      else this.#give(session);
    }
  }

  /** Closes what is free at once, and the rest when it is given back. */
  close(): void {
    this.#closed = true;
    for (const session of this.#free.splice(0)) this.#end(session);
    for (const { reject } of this.#waiting.splice(0)) reject(released());
  }

  #take(): Promise<GrapheneSession> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  /** Hands out what is free, and opens sessions for those who wait. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      let session = this.#free.pop();
      if (session === undefined && this.#open >= this.#most) return;
      try {
        session ??= this.#session();
      } catch (error) {
        if (failureOf(error).kind === 'CKR_SESSION_COUNT' && this.#open > 0) {
          // The token has no more than these.
          this.#most = this.#open;
          return;
        }
        this.#waiting.shift()?.reject(error);
        continue;
      }
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(session);
      else next.resolve(session);
    }
  }

  #give(session: GrapheneSession): void {
    if (this.#closed) {
      this.#end(session);
      return;
    }
    this.#free.push(session);
    this.#serve();
  }

  /** The login goes with the token: sessions that are free are lost, too. */
  #drop(lost: GrapheneSession): void {
    for (const session of [lost, ...this.#free.splice(0)]) this.#end(session);
  }

  #end(session: GrapheneSession): void {
    this.#open -= 1;
    quietly(() => session.close());
  }

  #session(): GrapheneSession {
    if (this.#closed) throw released();
    if (this.#refused !== undefined) throw this.#refused;
    const session = this.#opened();
    try {
      if (this.#pin !== '') session.login(this.#pin);
    } catch (error) {
      const { kind } = failureOf(error);
      // The login is the application's, not the session's.
      if (kind !== 'CKR_USER_ALREADY_LOGGED_IN') {
        quietly(() => session.close());
        if (!isPinRefusal(kind)) throw error;
        this.#refused = new Failure('PIN', kind);
        throw this.#refused;
      }
    }
    this.#open += 1;
    return session;
  }

  #opened(): GrapheneSession {
    try {
      return this.#slot.open(SERIAL | READ_WRITE);
    } catch (error) {
      if (failureOf(error).kind !== 'CKR_TOKEN_WRITE_PROTECTED') throw error;
      return this.#slot.open(SERIAL);
    }
  }
}

/** A PIN that is not taken is never tried again: tokens lock themselves after a few. */
function isPinRefusal(kind: string): boolean {
  return kind.startsWith('CKR_PIN') || kind.startsWith('CKR_USER_PIN');
}

const released = (): Failure => new Failure('RELEASED', 'the key was closed');

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // Gone already.
  }
}
