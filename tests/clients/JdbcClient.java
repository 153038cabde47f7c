// pgjdbc as a database tool uses it: metadata, then look-ups, portals in portions, server-side prepare.
// Run as a single source file: java -cp postgresql.jar JdbcClient.java

import java.sql.*;
import java.util.*;

public class JdbcClient {
  static final boolean GATE = "gate".equals(System.getenv("AGAINST"));
  static final int PATIENTS = Integer.parseInt(System.getenv("PATIENTS"));
  static final int VISIBLE = PATIENTS - PATIENTS / 10;

  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("user", System.getenv("PGUSER"));
    properties.setProperty("password", System.getenv("PGPASSWORD"));
    properties.setProperty("sslmode", System.getenv("PGSSLMODE"));
    properties.setProperty("connectTimeout", "10");
    properties.setProperty("socketTimeout", "60");
    properties.setProperty("ApplicationName", "database tool");
    String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT")
        + "/" + System.getenv("PGDATABASE");
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      metadata(connection);
      lookUps(connection);
      portions(connection);
      if (GATE) refusals(connection);
    }
    System.out.println("done");
  }

  static void metadata(Connection connection) throws SQLException {
    DatabaseMetaData data = connection.getMetaData();
    check("product", data.getDatabaseProductName(), "PostgreSQL");
    check("schema", column(data.getSchemas(), "TABLE_SCHEM").contains("clinic"), true);
    check("catalogs", column(data.getCatalogs(), "TABLE_CAT").contains(System.getenv("PGDATABASE")), true);
    check("tables", column(data.getTables(null, "clinic", "%", new String[] {"TABLE"}), "TABLE_NAME"),
        List.of("patients", "visits"));
    check("table types", column(data.getTableTypes(), "TABLE_TYPE").contains("TABLE"), true);
    check("columns", column(data.getColumns(null, "clinic", "patients", "%"), "COLUMN_NAME"),
        List.of("patient_id", "name", "id_card", "phone", "birth_date", "sex", "hospital_ward"));
    check("types", column(data.getColumns(null, "clinic", "patients", "%"), "TYPE_NAME"),
        List.of("int4", "text", "text", "text", "date", "text", "text"));
    check("primary key", column(data.getPrimaryKeys(null, "clinic", "patients"), "COLUMN_NAME"),
        List.of("patient_id"));
    check("imported keys", column(data.getImportedKeys(null, "clinic", "visits"), "PKTABLE_NAME"),
        List.of("patients"));
    check("exported keys", column(data.getExportedKeys(null, "clinic", "patients"), "FKTABLE_NAME"),
        List.of("visits"));
    check("index", column(data.getIndexInfo(null, "clinic", "visits", false, true), "COLUMN_NAME")
        .contains("visit_id"), true);
    column(data.getProcedures(null, "clinic", "%"), "PROCEDURE_NAME");
    column(data.getTypeInfo(), "TYPE_NAME");
    check("out of scope", column(data.getColumns(null, "clinic", "staff_secrets", "%"), "COLUMN_NAME"), List.of());
  }

  static void lookUps(Connection connection) throws SQLException {
    try (PreparedStatement look = connection.prepareStatement(
        "select patient_id, name, birth_date from clinic.patients where patient_id = ?")) {
      for (int id : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9}) { // from the fifth on prepared on the server
        look.setInt(1, id);
        try (ResultSet rows = look.executeQuery()) {
          check("row " + id, rows.next(), true);
          check("id " + id, rows.getInt(1), id);
          check("masked " + id, rows.getString(2).matches(".\\*+"), true);
          check("date " + id, rows.getDate(3) != null, true);
          ResultSetMetaData shape = rows.getMetaData();
          if (id == 1) {
            check("label", shape.getColumnName(2), "name");
            check("base table", shape.getTableName(2), "patients");
          }
        }
      }
    }
  }

  static void portions(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(40);
      try (ResultSet rows = statement.executeQuery("select patient_id, phone from clinic.patients order by 1")) {
        int count = 0;
        while (rows.next()) {
          count++;
          check("phone", rows.getString(2).matches("\\*{7}\\d{4}"), true, count > 1);
        }
        check("fetched in portions", count, VISIBLE);
      }
    }
    Savepoint savepoint = connection.setSavepoint();
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery("select 1 / 0");
      check("division", "passed", "refused");
    } catch (SQLException error) {
      check("division by zero", error.getSQLState(), "22012");
    }
    connection.rollback(savepoint);
    connection.commit();
    connection.setAutoCommit(true);
  }

  static void refusals(Connection connection) throws SQLException {
    String[][] cases = {
      {"select diagnosis from clinic.patients", "42501", "scope.column"},
      {"select * from clinic.staff_secrets", "42501", "scope.table"},
      {"insert into clinic.visits (visit_id) values (1)", "42501", "method.modify"},
    };
    for (String[] one : cases) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(one[0]);
        check(one[0], "passed", "refused");
      } catch (SQLException error) {
        check(one[0], error.getSQLState(), one[1]);
        check(one[2], error.getMessage().contains("portcullis[" + one[2]), true);
      }
    }
  }

  static List<String> column(ResultSet rows, String name) throws SQLException {
    List<String> values = new ArrayList<>();
    try (rows) {
      while (rows.next()) values.add(rows.getString(name));
    }
    return values;
  }

  static void check(String what, Object got, Object want) { check(what, got, want, false); }

  static void check(String what, Object got, Object want, boolean quiet) {
    if (!Objects.equals(got, want)) {
      System.out.println("FAILED " + what + "\n  got  " + got + "\n  want " + want);
      System.exit(1);
    }
    if (!quiet) System.out.println("ok " + what);
  }
}
