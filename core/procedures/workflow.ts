import type { Actor, Definition, Demand, Move, RequestState, Workflow } from './definition.ts';
import { finalStates, requestStates } from './definition.ts';

/** The moves that may be taken from a state, in the order of the definition. */
export function movesFrom(definition: Definition, state: RequestState): readonly Move[] {
  return definition.workflow.moves.filter((move) => move.from.includes(state));
}

/** What a move demands, or undefined where nobody of this role may take it from this state. */
export function moveDemands(
  definition: Definition,
  from: RequestState,
  to: RequestState,
  by: Actor,
): readonly Demand[] | undefined {
  const move = movesFrom(definition, from).find((one) => one.to === to && one.by.includes(by));
  return move && (move.demands ?? []);
}

/** Whether two agents must sign the decision before the document is issued. */
export const demandsSignatures = ({ workflow }: Pick<Definition, 'workflow'>): boolean =>
  workflow.moves.some(({ to, demands }) => to === 'issued' && demands?.includes('two-signatures'));

/** What makes a workflow unusable: each with the index of the move concerned, or of none. */
export function workflowProblems(workflow: Workflow): { move: number | undefined; reason: string }[] {
  const problems: { move: number | undefined; reason: string }[] = [];
  const { initial, moves } = workflow;
  const reached = new Set<RequestState>([initial]);
  for (const state of reached) {
    for (const move of moves) if (move.from.includes(state)) reached.add(move.to);
  }
  moves.forEach((move, index) => {
    for (const state of move.from) {
      if (!reached.has(state))
        problems.push({ move: index, reason: `the state "${state}" is never reached` });
      if (finalStates.includes(state)) problems.push({ move: index, reason: `"${state}" is final` });
      const same = moves.findIndex(
        (one) =>
          one.to === move.to && one.from.includes(state) && one.by.some((actor) => move.by.includes(actor)),
      );
      if (same < index)
        problems.push({ move: index, reason: `the move from "${state}" to "${move.to}" stands twice` });
    }
  });
  for (const state of requestStates.filter((state) => reached.has(state) && !finalStates.includes(state))) {
    if (!moves.some((move) => move.from.includes(state))) {
      problems.push({ move: undefined, reason: `the state "${state}" has no way out` });
    }
  }
  return problems;
}
