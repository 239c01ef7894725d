-- CreateTable
CREATE TABLE "function_deployments" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "manifest" JSONB NOT NULL,
    "bundle" BYTEA NOT NULL,
    "size" INTEGER NOT NULL,
    "message" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "function_deployments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "function_releases" (
    "project_id" TEXT NOT NULL,
    "active_id" TEXT NOT NULL,
    "next_id" TEXT,
    "next_share" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "function_releases_pkey" PRIMARY KEY ("project_id")
);

-- CreateTable
CREATE TABLE "function_secrets" (
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "function_secrets_pkey" PRIMARY KEY ("project_id","name")
);

-- CreateTable
CREATE TABLE "function_logs" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "function" TEXT NOT NULL,
    "invocation_id" TEXT NOT NULL,
    "deployment_id" TEXT NOT NULL,
    "level" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "fields" TEXT,
    "stack" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "function_logs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "function_usage" (
    "project_id" TEXT NOT NULL,
    "function" TEXT NOT NULL,
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "calls" BIGINT NOT NULL DEFAULT 0,
    "errors" BIGINT NOT NULL DEFAULT 0,
    "cold_starts" BIGINT NOT NULL DEFAULT 0,
    "milliseconds" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "gigabyte_seconds" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "outbound_requests" BIGINT NOT NULL DEFAULT 0,
    "max_milliseconds" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "max_memory_bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "function_usage_pkey" PRIMARY KEY ("project_id","function","hour")
);

-- CreateIndex
CREATE INDEX "function_deployments_project_id_id_idx" ON "function_deployments"("project_id", "id");

-- CreateIndex
CREATE INDEX "function_logs_project_id_function_id_idx" ON "function_logs"("project_id", "function", "id");

-- CreateIndex
CREATE INDEX "function_logs_project_id_id_idx" ON "function_logs"("project_id", "id");

-- CreateIndex
CREATE INDEX "function_logs_at_idx" ON "function_logs"("at");

-- CreateIndex
CREATE INDEX "function_usage_hour_idx" ON "function_usage"("hour");

-- AddForeignKey
ALTER TABLE "function_deployments" ADD CONSTRAINT "function_deployments_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "function_releases" ADD CONSTRAINT "function_releases_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "function_secrets" ADD CONSTRAINT "function_secrets_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "function_logs" ADD CONSTRAINT "function_logs_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "function_usage" ADD CONSTRAINT "function_usage_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;
