import { parentPort, workerData } from 'node:worker_threads';
import { openProducer, type Producer, type ProducerSetup } from './producer.ts';

/** What a worker thread is asked: one method of `Producer` with its argument. */
export interface WorkerRequest {
  readonly id: number;
  readonly method: Exclude<keyof Producer, 'close'>;
  readonly argument: never;
}

export type WorkerAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: unknown };

const producer = openProducer(workerData as ProducerSetup);
// Where it cannot be opened, whoever asks is told.
producer.catch(() => {});

parentPort?.on('message', ({ id, method, argument }: WorkerRequest) => {
  void (async () => {
    try {
      const made = await producer;
      parentPort?.postMessage({ id, value: await made[method](argument) } satisfies WorkerAnswer);
    } catch (error) {
      parentPort?.postMessage({ id, error: describe(error) } satisfies WorkerAnswer);
    }
  })();
});

/** Errors lose their class on the way between threads; their members do not. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, details } = error as { code?: unknown; details?: unknown };
  return { message: error.message, stack: error.stack, code, details };
}
