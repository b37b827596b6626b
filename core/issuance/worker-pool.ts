import { Worker } from 'node:worker_threads';
import { ConsulError, type ErrorCode, type ErrorDetail, errorCodes } from '../errors.ts';
import type { Producer, ProducerSetup } from './producer.ts';
import type { WorkerAnswer, WorkerRequest } from './worker.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface Hand {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  /** Why the thread takes no more work. */
  ended?: unknown;
}

/** An error as it was before it crossed the thread. */
function revived(error: unknown): unknown {
  const { message, code, details } = error as {
    message?: string;
    code?: string;
    details?: readonly ErrorDetail[];
  };
  if (code !== undefined && Object.hasOwn(errorCodes, code))
    return new ConsulError(code as ErrorCode, message ?? '', { details: details ?? [], cause: error });
  return Object.assign(new Error(message), { code, cause: error });
}

/**
 * The same producer on several threads: each call goes to the thread with the least to do.
 * @param script the bundled `worker.ts`
 */
export function producerPool(setup: ProducerSetup, script: string, threads: number): Producer {
  let calls = 0;
  const hands = Array.from({ length: threads }, (): Hand => {
    const hand: Hand = {
      worker: new Worker(script, {
        workerData: setup,
        // Documents are made of short-lived bytes: a larger nursery is emptied less often.
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
      }),
      waiting: new Map(),
    };
    const fail = (error: unknown): void => {
      hand.ended ??= error;
      for (const { reject } of hand.waiting.values()) reject(error);
      hand.waiting.clear();
    };
    hand.worker.on('message', (answer: WorkerAnswer) => {
      const waiting = hand.waiting.get(answer.id);
      hand.waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(revived(answer.error));
      else waiting?.resolve(answer.value);
    });
    hand.worker.on('error', (error) => fail(revived(error)));
    hand.worker.on('exit', () => fail(new ConsulError('ISSUE_FAILED', 'a worker thread ended')));
    return hand;
  });

  function call<M extends WorkerRequest['method']>(
    method: M,
    argument: Parameters<Producer[M]>[0],
  ): ReturnType<Producer[M]> {
    // What has ended one thread would end the others: nothing more is begun, and the command is run again.
    const dead = hands.find(({ ended }) => ended !== undefined);
    if (dead) return Promise.reject(dead.ended) as ReturnType<Producer[M]>;
    const hand = hands.reduce((least, other) => (other.waiting.size < least.waiting.size ? other : least));
    const id = calls++;
    return new Promise((resolve, reject) => {
      hand.waiting.set(id, { resolve, reject });
      hand.worker.postMessage({ id, method, argument });
    }) as ReturnType<Producer[M]>;
  }

  return {
    seal: (claims) => call('seal', claims),
    produce: (jobs) => call('produce', jobs),
    stamped: (document) => call('stamped', document),
    replace: (document) => call('replace', document),
    close: async () => {
      await Promise.all(hands.map(({ worker }) => worker.terminate()));
    },
  };
}
