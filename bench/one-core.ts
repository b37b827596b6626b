import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

const keepOn = (cores: string): boolean =>
  spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(process.pid)]).status === 0;

/**
 * Works with all threads of this process on the first core, where the system has `taskset`: the threads in which Node
 * writes files take a part of a second one otherwise.
 * @returns what came out, and whether it was so
 */
export async function onOneCore<T>(work: () => Promise<T>): Promise<{ result: T; pinned: boolean }> {
  // While it is on one core the system says that there is one.
  const cores = availableParallelism();
  const pinned = keepOn('0');
  try {
    return { result: await work(), pinned };
  } finally {
    if (pinned) keepOn(`0-${cores - 1}`);
  }
}
