-- CreateTable
CREATE TABLE "tasks" (
    "project_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "queue" TEXT NOT NULL DEFAULT 'default',
    "state" TEXT NOT NULL,
    "priority" SMALLINT NOT NULL DEFAULT 0,
    "payload" JSON NOT NULL,
    "run_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "max_attempts" INTEGER NOT NULL,
    "timeout_ms" INTEGER NOT NULL,
    "key" TEXT,
    "held_key" TEXT,
    "idempotency" TEXT,
    "fingerprint" TEXT,
    "schedule" TEXT,
    "scheduled_for" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "node_id" TEXT,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "progress" JSON,
    "result" JSON,
    "error" JSON,

    CONSTRAINT "tasks_pkey" PRIMARY KEY ("project_id","id")
);

-- CreateTable
CREATE TABLE "task_queues" (
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "concurrency" INTEGER,
    "is_paused" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "task_queues_pkey" PRIMARY KEY ("project_id","name")
);

-- CreateTable
CREATE TABLE "task_schedules" (
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "cron" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "task" JSON NOT NULL,
    "catch_up" TEXT NOT NULL,
    "is_paused" BOOLEAN NOT NULL DEFAULT false,
    "next_run_at" TIMESTAMPTZ(3) NOT NULL,
    "last_run_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "task_schedules_pkey" PRIMARY KEY ("project_id","name")
);

-- CreateIndex
CREATE INDEX "tasks_project_id_state_id_idx" ON "tasks"("project_id", "state", "id");

-- CreateIndex
CREATE INDEX "task_schedules_next_run_at_idx" ON "task_schedules"("next_run_at");

-- AddForeignKey
ALTER TABLE "task_queues" ADD CONSTRAINT "task_queues_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "task_schedules" ADD CONSTRAINT "task_schedules_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's schema can't say: indexes of the few rows that something waits for.

-- The lines in which due tasks wait, each in the order in which they start.
CREATE INDEX "tasks_waiting_idx" ON "tasks"("project_id", "queue", "priority" DESC, "run_at", "id") WHERE "state" = 'waiting';

-- What becomes due next, of all projects and of each.
CREATE INDEX "tasks_scheduled_idx" ON "tasks"("run_at") WHERE "state" = 'scheduled';
CREATE INDEX "tasks_scheduled_of_project_idx" ON "tasks"("project_id", "run_at") WHERE "state" = 'scheduled';

CREATE INDEX "tasks_running_idx" ON "tasks"("node_id") WHERE "state" = 'running';

CREATE INDEX "tasks_finished_idx" ON "tasks"("project_id", "finished_at") WHERE "finished_at" IS NOT NULL;

CREATE UNIQUE INDEX "tasks_held_key_idx" ON "tasks"("project_id", "held_key") WHERE "held_key" IS NOT NULL;

CREATE UNIQUE INDEX "tasks_idempotency_idx" ON "tasks"("project_id", "idempotency") WHERE "idempotency" IS NOT NULL;

-- Each task is written four times within milliseconds: old rows have to go before they are in the way.
ALTER TABLE "tasks" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
