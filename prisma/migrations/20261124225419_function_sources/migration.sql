-- AlterTable
ALTER TABLE "function_deployments" ADD COLUMN     "sources" BYTEA;
