-- CreateTable
CREATE TABLE "nodes" (
    "id" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "nodes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "channel_rules" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "pattern" TEXT NOT NULL,
    "rules" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "channel_rules_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE UNLOGGED TABLE "channel_members" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "uid" TEXT,
    "presence" JSONB NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "channel_members_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE UNLOGGED TABLE "relayed_messages" (
    "node_id" TEXT NOT NULL,
    "number" BIGINT NOT NULL,
    "project_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "relayed_messages_pkey" PRIMARY KEY ("node_id","number")
);

-- CreateIndex
CREATE UNIQUE INDEX "channel_rules_project_id_pattern_key" ON "channel_rules"("project_id", "pattern");

-- CreateIndex
CREATE INDEX "channel_members_project_id_channel_idx" ON "channel_members"("project_id", "channel");

-- CreateIndex
CREATE INDEX "channel_members_node_id_idx" ON "channel_members"("node_id");

-- CreateIndex
CREATE INDEX "relayed_messages_at_idx" ON "relayed_messages"("at");

-- AddForeignKey
ALTER TABLE "channel_rules" ADD CONSTRAINT "channel_rules_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE CASCADE ON UPDATE CASCADE;
