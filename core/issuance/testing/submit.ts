import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { submitRequest } from '../../casework/casework.ts';
import { nodeBackend } from '../../crypto/node.ts';
import { readProcedure } from '../../procedures/folder.ts';
import type { Procedure } from '../../procedures/procedure.ts';
import { sha256 } from '../../store/canonical.ts';
import { openPieces } from '../../store/pieces.ts';
import { issueGroup } from '../issue.ts';
import type { OpenPost } from '../open-post.ts';
import { receiptDraft } from '../receipt.ts';
import type { Acknowledged } from './invariants.ts';
import { type IssuingPost, openIssuingPost } from './post.ts';

// For tests only: a deposit as the command makes it, by the test and by the processes that it starts.

export interface SubmitPlan {
  readonly home: string;
  readonly fonts: string;
  readonly procedures: string;
  readonly procedure: string;
  readonly key: string;
  readonly data: unknown;
  /** `content` in base64. */
  readonly files: readonly { readonly piece: string; readonly name: string; readonly content: string }[];
}

export interface SubmittingPost extends IssuingPost {
  readonly procedure: Procedure;
}

export async function openSubmittingPost(plan: SubmitPlan): Promise<SubmittingPost> {
  const checked = { folder: join(plan.home, 'cache', 'procedures'), version: 'test' };
  const procedure = await readProcedure(plan.procedures, plan.procedure, { checked });
  const procedures = new Map([[procedure.id, procedure]]);
  return { procedure, ...(await openIssuingPost({ ...plan, procedures })) };
}

/** @returns the reference, and what `told` must be told of it */
export async function submit(
  {
    post,
    context,
    procedure,
  }: Pick<SubmittingPost, 'context' | 'procedure'> & {
    readonly post: Pick<OpenPost, 'settings' | 'paths'>;
  },
  plan: SubmitPlan,
  digestOf: (path: string) => string,
  told: {
    readonly submitted: (reference: string, created: boolean) => void;
    readonly receipt: (receipt: Acknowledged) => void;
  },
): Promise<void> {
  const { settings, paths } = post;
  const { file, created } = await submitRequest(
    {
      procedure,
      data: plan.data,
      language: 'fr',
      files: plan.files.map(({ piece, name, content }) => ({
        piece,
        file: { name, content: new Uint8Array(Buffer.from(content, 'base64')) },
      })),
      idempotencyKey: plan.key,
    },
    { kind: 'citizen' },
    {
      store: context.store,
      pieces: openPieces(paths.pieces, settings.limits),
      post: settings.post,
      now: new Date(),
      random: nodeBackend.random,
    },
  );
  told.submitted(file.request.reference, created);
  const dataDigest = sha256(file.request.data);
  const [receipt] = await issueGroup(context, [receiptDraft(file, procedure, { ...settings, dataDigest })]);
  if (receipt) told.receipt({ ...receipt, sha256: digestOf(join(paths.documents, receipt.path)) });
}

export const hexDigest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
