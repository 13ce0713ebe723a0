import type postgres from 'postgres'
import type { Sql } from '../../stores/postgres/queries.ts'

/** A step of a plan, as it went. */
export interface PlanStep {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly PlanStep[]
}

/** Does it, and gives every step of how it was done. */
export async function planOf(sql: postgres.ISql, { text, values }: Sql): Promise<readonly PlanStep[]> {
  const [row] = await sql.unsafe(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, [...values])
  const parsed = row?.['QUERY PLAN']
  const flat = (plan: PlanStep): PlanStep[] => [plan, ...(plan.Plans ?? []).flatMap(flat)]
  return flat((typeof parsed === 'string' ? JSON.parse(parsed) : parsed)[0].Plan)
}

/** The same of the plan that is kept for a prepared statement, made without knowing its values. */
export async function keptPlanOf(sql: postgres.Sql, { text, values }: Sql): Promise<readonly PlanStep[]> {
  return (await sql.begin(async (transaction) => {
    await transaction.unsafe('SET LOCAL plan_cache_mode = force_generic_plan')
    await transaction.unsafe(`PREPARE kept AS ${text}`)
    const given = values.map((value) => `'${String(value).replaceAll("'", "''")}'`)
    const plan = await planOf(transaction, { text: `EXECUTE kept (${given.join(', ')})`, values: [] })
    await transaction.unsafe('DEALLOCATE kept')
    return plan
  })) as readonly PlanStep[]
}

/** How many rows a plan looked at. */
export function lookedAt(plan: readonly PlanStep[]): number {
  const scans = plan.filter((step) => step['Node Type'].includes('Scan') && step['Relation Name'] !== undefined)
  return scans.reduce(
    (sum, step) => sum + (step['Actual Rows'] + (step['Rows Removed by Filter'] ?? 0)) * step['Actual Loops'],
    0,
  )
}

/** The steps, in brief, for the message of a failure. */
export function shownPlan(plan: readonly PlanStep[]): string {
  const brief = plan.map((step) => [
    step['Node Type'],
    step['Index Name'] ?? step['Relation Name'],
    step['Actual Rows'] * step['Actual Loops'],
    step['Rows Removed by Filter'],
  ])
  return JSON.stringify(brief)
}
