/** Base models kept open between calls: opening and cutting one takes longer than a short answer. */
import { resolve } from 'node:path'
import { BaseModel, type CombineMode, type TargetGroup } from '../model/index.js'

/** Models kept open that nobody uses: the plain one and two with adapters. */
const MOST_IDLE = 3

interface Kept {
  readonly model: Promise<BaseModel>
  users: number
}

export interface ModelWanted {
  readonly folder: string
  readonly groups: readonly TargetGroup[]
  readonly combineMode?: CombineMode | undefined
}

export class Models {
  /** In the order of their last use. */
  private readonly kept = new Map<string, Kept>()

  /**
   * Opens, or finds open, and holds the model until it is released.
   * @throws what BaseModel.open throws
   */
  async hold(wanted: ModelWanted): Promise<{ model: BaseModel; release: () => Promise<void> }> {
    const { groups, combineMode } = wanted
    const folder = resolve(wanted.folder)
    const key = JSON.stringify([folder, groups, combineMode])
    const kept = this.kept.get(key) ?? { model: BaseModel.open(folder, { groups, combineMode }), users: 0 }
    kept.users++
    this.kept.delete(key)
    this.kept.set(key, kept)
    const release = async (): Promise<void> => {
      kept.users--
      await this.closeIdle(MOST_IDLE)
    }
    try {
      return { model: await kept.model, release }
    } catch (error) {
      this.kept.delete(key)
      await release()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.closeIdle(0)
  }

  private async closeIdle(most: number): Promise<void> {
    const idle = [...this.kept].filter(([, { users }]) => users === 0)
    for (const [key, { model }] of idle.slice(0, Math.max(0, idle.length - most))) {
      this.kept.delete(key)
      await (await model).close()
    }
  }
}
