import type { IssuingContext } from '../issue.ts';
import type { Producer } from '../producer.ts';
import { event } from './effects.ts';

// For tests only: the steps of issuing as events, besides what each of them does to the world.

function watchedProducer(producer: Producer): Producer {
  const watched = Object.entries(producer).map(
    ([name, act]: [string, (...args: never[]) => Promise<unknown>]) => [
      name,
      (...args: never[]) => event(`producer.${name}`, () => act(...args)),
    ],
  );
  return Object.fromEntries(watched) as Producer;
}

export function watchedContext(context: IssuingContext): IssuingContext {
  const { store, tiles, producer, settle } = context;
  return {
    ...context,
    store: {
      ...store,
      transact: (act) =>
        event('transact', () =>
          store.transact(async (tx) => {
            const value = await act(tx);
            await event('end of the transaction', async () => {});
            return value;
          }),
        ),
    },
    tiles: { ...tiles, publish: (log) => event('tiles.publish', () => tiles.publish(log)) },
    producer: watchedProducer(producer),
    settle: (tx, documents) => event('settle', () => settle(tx, documents)),
  };
}
