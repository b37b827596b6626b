import type { Actor } from '../../casework/actor.ts';
import { nodeBackend } from '../../crypto/node.ts';
import type { SignatureLevel } from '../../pdf/level.ts';
import { passphraseKeys } from '../../pki/key-file.ts';
import type { Procedures } from '../../procedures/load.ts';
import { settleRequests } from '../decided.ts';
import type { IssuingContext } from '../issue.ts';
import { type OpenPost, openIssuing, openPost } from '../open-post.ts';

// For tests only: a post opened in the same way by the test and by the processes that it starts.

export const passphrase = new TextEncoder().encode('tests-tests-tests-tests-tests');

const system: Actor = { kind: 'system' };

const fileKey = passphraseKeys(passphrase);

export interface IssuingPost {
  readonly post: OpenPost;
  readonly context: IssuingContext;
  close(): Promise<void>;
}

export interface IssuingPostOptions {
  readonly home: string;
  readonly fonts: string;
  readonly procedures: Procedures;
  /** Threads besides this one, each running `workerScript`. */
  readonly threads?: number;
  readonly workerScript?: string;
  readonly level?: SignatureLevel;
}

export async function openIssuingPost(options: IssuingPostOptions): Promise<IssuingPost> {
  const { home, fonts, procedures, threads = 0, workerScript = '', level } = options;
  const post = await openPost(home);
  const clock = (): Date => new Date();
  try {
    const context = await openIssuing(post, {
      fileKey,
      clock,
      fonts,
      threads,
      workerScript,
      ...(level === undefined ? {} : { level }),
      warn: (warning) => {
        throw warning;
      },
      settle: settleRequests({
        procedures,
        post: post.settings.post,
        actor: system,
        clock,
        random: nodeBackend.random,
      }),
    });
    return {
      post,
      context,
      close: async () => {
        await context.producer.close();
        await post.close();
      },
    };
  } catch (error) {
    await post.close();
    throw error;
  }
}
