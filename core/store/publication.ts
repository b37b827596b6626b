import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import { writeDurably } from './durable-file.ts';
import type { PostPaths } from './post-folder.ts';
import { readIfThere, readPresent } from './read-file.ts';

export interface Published {
  /** Files that are for the world. */
  readonly files: number;
  /** How many of them were new, or other than before. */
  readonly changed: number;
}

/** Names below a folder, without those that begin with a dot: work that is not done. */
async function namesBelow(folder: string, below = ''): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return [];
      throw new ConsulError('FILE_UNREADABLE', `cannot look into ${folder} (${cause.code})`, { cause });
    },
  );
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const name = join(below, entry.name);
    if (entry.isDirectory()) names.push(...(await namesBelow(folder, name)));
    else if (entry.isFile()) names.push(name);
  }
  return names;
}

/**
 * Copies what a post has for the world into a folder that any web server may serve as the root of its host: revocation
 * lists, certificates of authorities, OCSP answers and the status list where certificates and seals say that they are,
 * the log under its origin, the trust bundle. Only what is other than before is written, each file in one step and the
 * checkpoint of the log last, after the tiles that it speaks of; nothing is taken away. No key and no data of a request is
 * among it.
 * @param log path of the log on the host, as its origin has it
 * @throws ConsulError FILE_UNREADABLE, DISK_FULL
 */
export async function publish(paths: PostPaths, log: string, out: string): Promise<Published> {
  const copies = [
    ...(await namesBelow(paths.public)).map((name) => [join(paths.public, name), name] as const),
    [paths.trust, join('trust', 'bundle.cose')] as const,
    ...(await namesBelow(paths.log))
      .sort((one, other) => Number(one === 'checkpoint') - Number(other === 'checkpoint'))
      .map((name) => [join(paths.log, name), join(log, name)] as const),
  ];
  let changed = 0;
  for (const [from, to] of copies) {
    const content = await readPresent(from);
    const target = join(out, to);
    const present = await readIfThere(target);
    if (present && equalBytes(present, content)) continue;
    await writeDurably(target, content);
    changed++;
  }
  return { files: copies.length, changed };
}
