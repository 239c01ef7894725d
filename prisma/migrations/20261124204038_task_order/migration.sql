-- DropIndex
DROP INDEX "tasks_project_id_state_id_idx";

-- CreateIndex
CREATE INDEX "tasks_project_id_state_created_at_id_idx" ON "tasks"("project_id", "state", "created_at", "id");
