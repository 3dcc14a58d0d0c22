import java.nio.ByteBuffer;
import javax.websocket.OnMessage;
import javax.websocket.Session;
import javax.websocket.server.ServerContainer;
import javax.websocket.server.ServerEndpoint;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.websocket.server.WsContextListener;

public class TomcatEcho {
    @ServerEndpoint("/")
    public static class Echo {
        @OnMessage(maxMessageSize = 1 << 20)
        public String text(String text) {
            return text;
        }

        @OnMessage(maxMessageSize = 1 << 20)
        public ByteBuffer binary(ByteBuffer bytes) {
            return bytes;
        }
    }

    public static class Listener extends WsContextListener {
        @Override
        public void contextInitialized(javax.servlet.ServletContextEvent event) {
            super.contextInitialized(event);
            ServerContainer container = (ServerContainer) event.getServletContext()
                .getAttribute("javax.websocket.server.ServerContainer");
            try {
                container.addEndpoint(Echo.class);
            } catch (javax.websocket.DeploymentException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(System.getProperty("java.io.tmpdir"));
        tomcat.setPort(Integer.parseInt(args[0]));
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context context = tomcat.addContext("", null);
        context.addApplicationListener(Listener.class.getName());
        Tomcat.addServlet(context, "default", new org.apache.catalina.servlets.DefaultServlet());
        context.addServletMappingDecoded("/", "default");
        tomcat.start();
        tomcat.getServer().await();
    }
}
