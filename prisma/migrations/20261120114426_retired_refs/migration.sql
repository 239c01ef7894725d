-- DropIndex
DROP INDEX "audit_entries_project_id_at_idx";

-- DropIndex
DROP INDEX "audit_entries_organization_id_at_idx";

-- CreateTable
CREATE TABLE "retired_refs" (
    "ref" TEXT NOT NULL,
    "retired_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "retired_refs_pkey" PRIMARY KEY ("ref")
);

-- CreateIndex
CREATE INDEX "audit_entries_project_id_id_idx" ON "audit_entries"("project_id", "id");

-- CreateIndex
CREATE INDEX "audit_entries_organization_id_id_idx" ON "audit_entries"("organization_id", "id");
