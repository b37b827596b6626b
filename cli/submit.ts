import { join } from 'node:path';
import { submitRequest } from '../core/casework/casework.ts';
import { parseReference } from '../core/casework/reference.ts';
import { nodeBackend } from '../core/crypto/node.ts';
import { ConsulError } from '../core/errors.ts';
import { type Issued, type IssuingContext, issueGroup } from '../core/issuance/issue.ts';
import type { OpenPost } from '../core/issuance/open-post.ts';
import { receiptDraft } from '../core/issuance/receipt.ts';
import type { Language } from '../core/post.ts';
import { localDay } from '../core/procedures/calendar.ts';
import { feeFor } from '../core/procedures/fee.ts';
import type { Procedure, RequestData } from '../core/procedures/procedure.ts';
import { sha256 } from '../core/store/canonical.ts';
import { openPieces } from '../core/store/pieces.ts';
import { loadRequest, type RequestFile } from '../core/store/request.ts';
import { readJson } from './json-data.ts';
import { type CommonOptions, messageLanguage, printJson } from './outcome.ts';
import { agentOf, procedureOf, withIssuing, withPost } from './post.ts';
import { pieceFiles } from './request-pieces.ts';
import { labelled, say } from './words.ts';

const system = { kind: 'system' } as const;

/** Issues the signed, time-stamped receipt of a deposit; run again it finds the one that is there. */
async function issueReceipt(
  post: OpenPost,
  context: IssuingContext,
  procedure: Procedure,
  file: RequestFile,
): Promise<Issued> {
  const { reference, data } = file.request;
  const draft = receiptDraft(file, procedure, {
    post: post.settings.post,
    signatory: post.settings.signatory,
    dataDigest: sha256(data),
  });
  try {
    const [receipt] = await issueGroup(context, [draft]);
    if (!receipt) throw new ConsulError('ISSUE_FAILED', 'nothing was issued');
    return receipt;
  } catch (cause) {
    if (!(cause instanceof ConsulError)) throw cause;
    throw new ConsulError(
      cause.code,
      `request ${reference} is taken; its receipt is not made yet (consul request receipt ${reference}): ${cause.message}`,
      { cause, details: cause.details },
    );
  }
}

interface SubmitOptions extends CommonOptions {
  data: string;
  piece?: readonly string[];
  language?: Language;
  key?: string;
}

export async function submit(id: string, options: SubmitOptions): Promise<void> {
  await withPost(options, async (post) => {
    const { settings, store, paths } = post;
    const procedure = await procedureOf(post, id);
    const data = await readJson(options.data);
    const files = await pieceFiles(options.piece, settings.limits);
    const procedures = new Map([[procedure.id, procedure]]);
    // The keys are opened first: a deposit for which no receipt can be signed is not taken.
    const { submitted, receipt } = await withIssuing(
      post,
      options,
      { procedures, actor: system, threads: 0 },
      async (context) => {
        const submitted = await submitRequest(
          {
            procedure,
            data,
            language: options.language ?? (settings.post.languages[0] as Language),
            files,
            ...(options.key === undefined ? {} : { idempotencyKey: options.key }),
          },
          agentOf(options),
          {
            store,
            pieces: openPieces(paths.pieces, settings.limits),
            post: settings.post,
            now: new Date(),
            random: nodeBackend.random,
          },
        );
        return { submitted, receipt: await issueReceipt(post, context, procedure, submitted.file) };
      },
    );
    const { request } = submitted.file;
    const fee = feeFor(procedure, JSON.parse(request.data) as RequestData, {
      currency: settings.post.currency,
      today: localDay(new Date(request.submittedAt), settings.post.timeZone),
    });
    const path = join(paths.documents, receipt.path);
    if (options.json) {
      printJson({
        reference: request.reference,
        state: request.state,
        created: submitted.created,
        owed: submitted.owed.map(({ where, message }) => ({ where, message })),
        warnings: submitted.warnings.map(({ where, message }) => ({ where, message })),
        fee,
        receipt: path,
        timestamp: receipt.timestamp,
      });
      return;
    }
    const language = messageLanguage(options);
    const amount = new Intl.NumberFormat(language, { style: 'currency', currency: fee.currency });
    const lines = [
      `${request.reference}  ${request.state}`,
      ...submitted.owed.map(
        ({ where, label, message }) => `  ${labelled(language, 'submit.owed', about(where, label, message))}`,
      ),
      ...submitted.warnings.map(
        ({ where, label, message }) =>
          `  ${labelled(language, 'submit.warning', about(where, label, message))}`,
      ),
      `  ${labelled(language, 'submit.fee', `${amount.format(fee.amount)} (${fee.label[language]})`)}`,
      ...receiptLines(path, receipt, language).map((line) => `  ${line}`),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  });
}

const about = (where: string, label: string | undefined, message: string): string =>
  `${where}${label ? ` (${label})` : ''}: ${message}`;

function receiptLines(
  path: string,
  { reference, timestamp }: Issued,
  language: 'fr' | 'en',
): readonly string[] {
  return [
    labelled(language, 'submit.receipt', path),
    ...(timestamp === 'pending' ? [say(language, 'submit.receiptPending', { reference })] : []),
  ];
}

export async function receipt(text: string, options: CommonOptions): Promise<void> {
  const reference = parseReference(text);
  await withPost(options, async (post) => {
    const file = await loadRequest(post.store.read, reference);
    const procedure = await procedureOf(post, file.request.procedure);
    const procedures = new Map([[procedure.id, procedure]]);
    const issued = await withIssuing(post, options, { procedures, actor: system, threads: 0 }, (context) =>
      issueReceipt(post, context, procedure, file),
    );
    if (issued.timestamp === 'pending')
      throw new ConsulError(
        'TSA_UNREACHABLE',
        `receipt ${issued.number} of ${reference} waits for its time-stamp`,
      );
    const path = join(post.paths.documents, issued.path);
    if (options.json) printJson({ reference, number: issued.number, receipt: path });
    else process.stdout.write(`${path}\n`);
  });
}
